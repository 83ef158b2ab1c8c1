import { separate } from './separate.ts'
import type { Scenario } from './scenario.ts'

/** The network falls into two. */
export const partitionTwo: Scenario = {
  name: 'partition-two',
  about: 'the network falls into two halves for two minutes; each goes on by itself, and both become one again',
  nodes: { usual: 30, least: 6 },
  play: (stage) => separate(stage, 2),
}
