import type { Scenario } from './scenario.ts'
import { arrive, half, keepAway, swarm, withstand } from './sybils.ts'

/** Flash: attackers come all at once into a warm network, and attack at once. */
export const flash: Scenario = {
  name: 'flash',
  about: 'attackers join a warm network within a second and pass nothing on; all honest messages reach all',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  async play(stage) {
    keepAway(stage, stage.attackers)
    await stage.gather()
    await stage.clock.sleep(20_000)
    stage.attack.isOn = true
    await arrive(stage, stage.attackers, 1_000)
    await swarm(stage, stage.attackers, stage.honest)
    await withstand(stage, 'flash')
  },
}
