import type { Scenario } from './scenario.ts'
import { half, swarm } from './sybils.ts'

/** Connections of one /24 that a node takes. */
const MAX_PER_NETWORK = 10
/** Whoever is refused is told why before the connection closes; longer than this it is held, in ms. */
const TURN_AWAY_MS = 5_000

/** Colocation: many attackers in one network. */
export const ipColocation: Scenario = {
  name: 'ip-colocation',
  about: 'all attackers sit in one /24; no honest node holds more of them than one network may have',
  nodes: { usual: 40, least: 24 },
  attackers: (nodes) => Math.min(254, half(nodes)),
  ip: ({ honest }, index) => (index < honest ? `20.${index >>> 8}.${index & 0xff}.1` : `66.6.6.${index - honest + 1}`),
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest)
    stage.attack.isOn = true
    await stage.clock.sleep(2 * TURN_AWAY_MS)
    for (const node of stage.present) {
      const held = node.libp2p.getConnections().filter(({ remotePeer, timeline }) => {
        const isAttacker = stage.indexOf(remotePeer.toString()) >= stage.cast.honest
        return isAttacker && Date.now() - timeline.open > TURN_AWAY_MS
      })
      const isHeld = held.length <= MAX_PER_NETWORK
      stage.expect('network-limited', isHeld, `Node ${node.index} holds ${held.length} connections of one network`)
    }
    await stage.prove('colocation: under attack', { withinMs: 15_000 })
    stage.proveAttack('colocation')
    await stage.calm()
    await stage.prove('colocation: after the attack')
  },
}
