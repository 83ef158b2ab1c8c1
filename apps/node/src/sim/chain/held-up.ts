import type { ChainScenario } from './scenario.ts'

const GROWTH_MS = 60_000
const BLOCKS = 20
/** Some 8 s where nobody is held up, and what may be lost before that ends. */
const ATTACK_MS = 20_000

/** Nodes are in sync, and a peer has them look for what there is not. */
export const heldUp: ChainScenario = {
  name: 'chain-held-up',
  about: 'a peer claims old blocks at heights that there are not, ever other ones, and answers slowly; blocks go on',
  nodes: { usual: 6, least: 4 },
  liars: () => 1,
  lie: () => 'old-tip',
  async play(stage) {
    const { network, witness } = stage
    await network.gather()
    const hush = stage.traffic()
    await stage.untilHeight('grown', () => stage.finalHeight(), BLOCKS, GROWTH_MS)
    network.attack.isOn = true
    await stage.untilHeight('went-on', () => stage.height(), stage.height() + BLOCKS, ATTACK_MS)
    await hush()
    await stage.prove('held up')
    network.expect('liar-found', witness.blames.length > 0, 'Nobody reports who claims blocks at false heights')
  },
}
