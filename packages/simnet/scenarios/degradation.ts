import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Network degradation: attackers are slow on purpose. */
export const degradation: Scenario = {
  name: 'degradation',
  about: 'attackers pass everything on, four seconds late; honest nodes do not wait for them',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  conduct: () => 'late',
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest)
    await stage.clock.sleep(20_000)
    await withstand(stage, 'degradation')
  },
}
