import type { Scenario } from './scenario.ts'

const SLOW_SHARE = 0.6
const CPU_MS = 10
const SLOW_MS = 180_000
const FLOOR = 3
/** Share of the calls that are answered, since each peer is there and hears all in the end. */
const ANSWERED = 0.95

/** Most nodes are slow: substrate#10794, in which nodes under load banned each other until nothing was final. */
export const slowMajority: Scenario = {
  name: 'slow-majority',
  about: 'six of ten nodes are slow for three minutes; nobody is banned, and nobody falls below the floor of peers',
  nodes: { usual: 30, least: 6 },
  settings: () => ({ minPeers: FLOOR }),
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter({ answered: ANSWERED })
    for (const node of stage.sample(stage.honest, Math.round(stage.cast.honest * SLOW_SHARE))) {
      stage.network.slow(node, CPU_MS)
    }
    const endMs = stage.clock.nowMs + SLOW_MS
    while (stage.clock.nowMs < endMs) {
      await stage.clock.sleep(5_000)
      for (const node of stage.present) {
        const ready = stage.readyPeers(node).length
        stage.expect(
          'floor-of-peers',
          ready >= FLOOR,
          `Node ${node.index} has ${ready} ready peers, the floor is ${FLOOR}`,
        )
      }
    }
    hush()
    await stage.calm()
    await stage.prove('when all are fast again')
  },
}
