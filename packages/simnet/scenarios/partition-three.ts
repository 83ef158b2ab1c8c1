import { separate } from './separate.ts'
import type { Scenario } from './scenario.ts'

/** The network falls into three. */
export const partitionThree: Scenario = {
  name: 'partition-three',
  about: 'the network falls into three parts for two minutes; each goes on by itself, and all become one again',
  nodes: { usual: 30, least: 9 },
  play: (stage) => separate(stage, 3),
}
