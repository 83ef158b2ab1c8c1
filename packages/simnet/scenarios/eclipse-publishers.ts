import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Eclipse of all publishers. */
export const eclipsePublishers: Scenario = {
  name: 'eclipse-publishers',
  about: 'attackers surround those who write, a quarter of the honest nodes; what they write gets out all the same',
  nodes: { usual: 40, least: 16 },
  attackers: half,
  async play(stage) {
    await stage.gather()
    const publishers = stage.honest.slice(0, Math.ceil(stage.cast.honest / 4))
    await swarm(stage, stage.attackers, publishers)
    await stage.clock.sleep(20_000)
    await withstand(stage, 'eclipse of publishers', publishers)
  },
}
