import { type Scenario, SEEDS } from './scenario.ts'

/** Places at each of the nodes through which the network is entered, and at any other. */
const [FEW, SOME] = [2, 8]

/** Most who come are turned away by all whom they know. */
export const fullEntries: Scenario = {
  name: 'full-entries',
  about:
    'the bootstrap nodes have places for a few alone; all others find each other, through those that turn them away',
  nodes: { usual: 30, least: 24 },
  settings: (_cast, index) => ({ maxInbound: index < SEEDS ? FEW : SOME }),
  async play(stage) {
    await stage.gather()
    await stage.prove('full entries')
  },
}
