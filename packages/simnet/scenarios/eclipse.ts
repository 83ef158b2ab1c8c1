import type { Cast, Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Inbound connections of the target, of which there are so few that attackers could take them all. */
const MAX_INBOUND = 8

/** Eclipse of a single target. */
export const eclipse: Scenario = {
  name: 'eclipse',
  about: 'all attackers connect to one node, which has few places, and pass nothing on; it stays part of the network',
  nodes: { usual: 40, least: 24 },
  attackers: half,
  settings: (cast, index) => (index === targetOf(cast) ? { maxInbound: MAX_INBOUND } : {}),
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest.slice(targetOf(stage.cast)))
    await stage.clock.sleep(20_000)
    await withstand(stage, 'eclipse')
  },
}

/** The last of the honest nodes. */
function targetOf({ honest }: Cast): number {
  return honest - 1
}
