import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Eclipse of the whole network: attackers connect to everybody and take places in every mesh. */
export const sybil: Scenario = {
  name: 'sybil',
  about:
    'attackers, as many as honest nodes, connect to everybody and then pass nothing on; all honest messages reach all',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest)
    await stage.clock.sleep(20_000)
    await withstand(stage, 'sybil')
  },
}
