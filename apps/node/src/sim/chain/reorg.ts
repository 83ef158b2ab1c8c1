import type { ChainScenario } from './scenario.ts'
import { halves } from './sides.ts'

/** Blocks that each side makes at least. */
const DEPTH = 50
const GROWTH_MS = 400_000
const MIXED_MS = 5_000

/** Two halves go on apart, none of which may make anything final. */
export const reorg: ChainScenario = {
  name: 'chain-reorg',
  about:
    'two halves of the authorities make 50 blocks and more apart; one branch wins, what the other had is paid again',
  nodes: { usual: 8, least: 4 },
  // Half of them is no majority, so neither side makes a block final.
  authorities: () => [0, 1, 2, 3],
  consensus: { minIntervalMs: 100, maxIntervalMs: 1_000, fallbackMs: 300 },
  async play(stage) {
    const { network, witness } = stage
    await network.gather()
    const hush = stage.traffic(200)
    await network.clock.sleep(MIXED_MS)
    const sides = halves(network.honest)
    network.network.partition(...sides)
    const begin = stage.height()
    const final = Math.max(...stage.keepers.map((node) => stage.chainOf(node).chain.finalised.height))
    for (const side of sides) {
      await stage.untilHeight('both-went-on', () => stage.height(side), begin + DEPTH, GROWTH_MS)
    }
    const isOpen = stage.keepers.every((node) => stage.chainOf(node).chain.finalised.height <= Math.max(final, begin))
    network.expect('no-side-final', isOpen, `A half made blocks final above ${begin}`)
    await hush()
    await stage.prove('healed')
    const { deepestReorg } = witness
    network.expect(
      'switched',
      deepestReorg >= DEPTH,
      `The deepest switch took ${deepestReorg} blocks off, not ${DEPTH}`,
    )
  },
}
