import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Eclipse of a single target. */
export const eclipse: Scenario = {
  name: 'eclipse',
  about: 'all attackers connect to one node, which has few places, and pass nothing on; it stays part of the network',
  nodes: { usual: 40, least: 24 },
  attackers: half,
  settings: () => ({ maxInbound: 8 }),
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest.slice(-1))
    await stage.clock.sleep(20_000)
    await withstand(stage, 'eclipse')
  },
}
