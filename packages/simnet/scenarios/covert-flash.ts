import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Covert flash: attackers behave until they are trusted, then all turn at one moment. */
export const covertFlash: Scenario = {
  name: 'covert-flash',
  about: 'attackers behave for two minutes, earn a reputation, and then pass nothing on any more, all at one moment',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  async play(stage) {
    await stage.gather()
    await swarm(stage, stage.attackers, stage.honest)
    const hush = stage.chatter({ hasCalls: false })
    await stage.clock.sleep(120_000)
    hush()
    await withstand(stage, 'covert flash')
  },
}
