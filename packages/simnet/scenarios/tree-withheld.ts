import type { Scenario } from './scenario.ts'
import { withstand } from './sybils.ts'

/** A third of a tree passes nothing on, and tells nobody of it. */
export const treeWithheld: Scenario = {
  name: 'tree-withheld',
  about:
    'messages go by tree, and a third of the nodes takes them and passes none on; they reach all others all the same',
  nodes: { usual: 40, least: 6 },
  attackers: (nodes) => Math.floor(nodes / 3),
  settings: () => ({ strategy: 'tree' }),
  async play(stage) {
    await stage.gather()
    // While all of them behave, a tree grows through those that will not.
    const hush = stage.chatter()
    await stage.clock.sleep(20_000)
    hush()
    await withstand(stage, 'withheld')
  },
}
