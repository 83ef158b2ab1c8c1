import type { SimNode } from '@gridmesh/simnet'
import type { SimServices } from './app.ts'
import { KINDS } from './kinds.ts'
import type { Scenario } from './scenario.ts'
import type { Stage } from './stage.ts'
import { swarm } from './sybils.ts'

const RATE = 50
const BURST = 2 * RATE
const ABUSE_MS = 20_000
const ABUSES_PER_SECOND = 500
const TICK_MS = 100
const CONNECT_MS = 60_000
/** What an abuser calls: a handler that counts. */
const COUNTED = 'sim-counted'

/** Peers that send more than they may. */
export const rateLimitAbuse: Scenario = {
  name: 'rate-limit-abuse',
  about:
    'a fifth of the nodes calls ten times as often as allowed; a full bucket gets through, and no more than the limit',
  nodes: { usual: 20, least: 6 },
  attackers: (nodes) => Math.max(1, Math.round(nodes / 5)),
  settings: () => ({ messagesPerSecond: RATE }),
  async play(stage) {
    await stage.gather()
    const hush = stage.chatter({ everyMs: 1_000, hasCalls: false })
    const counts = new Map<string, number>()
    for (const victim of stage.honest) {
      victim.services.unicast.handle(COUNTED, (_bytes, { peer }) => {
        const pair = pairOf(stage.indexOf(peer.toString()), victim.index)
        counts.set(pair, (counts.get(pair) ?? 0) + 1)
      })
    }
    await swarm(stage, stage.attackers, stage.honest)
    await stage.until('abusers-connected', () => lonely(stage), CONNECT_MS)
    const startMs = stage.clock.nowMs
    const pairs = await Promise.all(stage.attackers.map((abuser) => abuse(stage, abuser)))
    const seconds = (stage.clock.nowMs - startMs) / 1_000
    const most = BURST + RATE * seconds
    for (const pair of pairs) {
      const count = counts.get(pair) ?? 0
      const through = `${count} calls of ${pair} came through in ${seconds} s`
      stage.expect('rate-held', count <= most, `${through}, at most ${most} may`)
      stage.expect('rate-served', count >= BURST, `${through}, a full bucket lets ${BURST} through`)
    }
    hush()
    await stage.calm()
    await stage.prove('after the abuse')
  },
}

function pairOf(abuser: number, victim: number): string {
  return `${abuser}-${victim}`
}

function lonely(stage: Stage): string | undefined {
  const found = stage.attackers.find((abuser) => stage.readyPeers(abuser).length === 0)
  return found === undefined ? undefined : `Node ${found.index} has nobody to abuse`
}

/** Calls one victim far too often. Says which pair it is. */
async function abuse(stage: Stage, abuser: SimNode<SimServices>): Promise<string> {
  const victim = stage.pick(stage.readyPeers(abuser))
  // It does not keep to what its victim lets it send.
  abuser.services.rateLimiter.whenAllowed = async () => Promise.resolve()
  const bytes = KINDS.normal.codec.encode({ id: `abuse-${abuser.index}`, bytes: 64 })
  const endMs = stage.clock.nowMs + ABUSE_MS
  while (stage.clock.nowMs < endMs) {
    for (let sent = 0; sent < (ABUSES_PER_SECOND * TICK_MS) / 1_000; sent++) {
      abuser.run(({ unicast }) => unicast.send(victim.peerId, COUNTED, bytes)).catch(() => {})
    }
    await stage.clock.sleep(TICK_MS)
  }
  return pairOf(abuser.index, victim.index)
}
