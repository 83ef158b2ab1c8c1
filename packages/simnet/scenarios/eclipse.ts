import type { Scenario } from './scenario.ts'
import { arrive, half, keepAway, swarm, withstand } from './sybils.ts'

/** Time in which the attackers come. */
const ARRIVAL_MS = 10_000

/** Eclipse of a single target. */
export const eclipse: Scenario = {
  name: 'eclipse',
  about: 'all attackers connect to one node, which has few places, and pass nothing on; it stays part of the network',
  nodes: { usual: 40, least: 24 },
  attackers: half,
  settings: () => ({ maxInbound: 8 }),
  async play(stage) {
    // With so few places, whoever came among them could find none but attackers to link to, by mere chance.
    keepAway(stage, stage.attackers)
    await stage.gather()
    await arrive(stage, stage.attackers, ARRIVAL_MS)
    await swarm(stage, stage.attackers, stage.honest.slice(-1))
    await stage.clock.sleep(20_000)
    await withstand(stage, 'eclipse')
  },
}
