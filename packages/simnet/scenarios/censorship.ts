import { markOf } from './kinds.ts'
import type { Scenario } from './scenario.ts'
import { half, swarm, withstand } from './sybils.ts'

/** Censorship of a single target. */
export const censorship: Scenario = {
  name: 'censorship',
  about: 'attackers behave, but pass on nothing that one node wrote; it is heard all the same',
  nodes: { usual: 40, least: 8 },
  attackers: half,
  conduct: (bytes) => (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(markOf(0)) ? 'drop' : 'pass'),
  async play(stage) {
    await stage.gather()
    const target = stage.honest.slice(0, 1)
    await swarm(stage, stage.attackers, target)
    await stage.clock.sleep(20_000)
    await withstand(stage, 'censorship', target)
  },
}
