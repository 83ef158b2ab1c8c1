import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Cold boot: attackers and honest nodes join at the same time, before anybody has a reputation. */
export const coldBoot: Scenario = {
  name: 'cold-boot',
  about:
    'attackers are there while the network forms, and pass nothing on from the first moment; it forms all the same',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  async play(stage) {
    stage.attack.isOn = true
    await swarm(stage, stage.attackers, stage.honest)
    await stage.gather()
    await withstand(stage, 'cold boot')
  },
}
