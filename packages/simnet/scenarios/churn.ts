import { type Scenario, SEEDS } from './scenario.ts'

const MINUTES = 3
const SHARE_PER_MINUTE = 0.1
const MINUTE_MS = 60_000
const DOWN_MS = 20_000
/**
 * Peers that a node remembers, fewer than there are, and inbound connections: whoever is linked is never forgotten, and
 * fits. Those through which the network is entered have room for all.
 */
const [MAX_PEERS, MAX_INBOUND] = [40, 16]

/** Nodes come and go. */
export const churn: Scenario = {
  name: 'churn',
  about: 'a tenth of the nodes leaves each minute and comes back, some without a word; then all messages reach all',
  nodes: { usual: 50, least: 5 },
  settings: (_cast, index) => (index < SEEDS ? {} : { maxPeers: MAX_PEERS, maxInbound: MAX_INBOUND }),
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter()
    const leaving = Math.max(1, Math.round(stage.cast.honest * SHARE_PER_MINUTE))
    const away: Promise<void>[] = []
    for (let left = 0; left < leaving * MINUTES; left++) {
      const node = stage.pick(stage.present)
      away.push(stage.reboot(node, DOWN_MS * (0.5 + stage.random()), { silent: stage.random() < 0.5 }))
      await stage.clock.sleep(MINUTE_MS / leaving)
    }
    await Promise.all(away)
    hush()
    await stage.calm()
    await stage.prove('after churn')
  },
}
