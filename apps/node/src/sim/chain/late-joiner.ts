import type { ChainScenario } from './scenario.ts'

/** Blocks that are there before somebody joins. */
const BLOCKS = 150
const GROWTH_MS = 400_000
const CATCH_UP_MS = 60_000
/** Blocks that may be made while the newest ones are fetched. */
const NEAR = 3
const MORE_BLOCKS = 10

/** Nodes join a chain that has been there for long. */
export const lateJoiner: ChainScenario = {
  name: 'chain-late-joiner',
  about: 'two nodes join when the chain is 150 blocks long, one by one peer, one by all; both reach its tip',
  nodes: { usual: 8, least: 5 },
  consensus: { minIntervalMs: 100, maxIntervalMs: 1_000, fallbackMs: 300 },
  async play(stage) {
    const { network } = stage
    const [first, second] = network.honest.slice(-2)
    if (first === undefined || second === undefined) return
    for (const node of [first, second]) stage.crash(node)
    await network.gather()
    const hush = stage.traffic(250)
    await stage.untilHeight('grown', () => stage.height(), BLOCKS, GROWTH_MS)
    // Of all but one it hears nothing.
    const [, ...others] = network.honest.filter((node) => node !== first)
    const partition = network.network.partition([first], others)
    for (const joiner of [first, second]) {
      await stage.join(joiner, { disk: false })
      const height = stage.height()
      await stage.untilHeight('caught-up', () => stage.height([joiner]), height - NEAR, CATCH_UP_MS)
      await stage.untilHeight('followed', () => stage.height([joiner]), height + MORE_BLOCKS, CATCH_UP_MS)
      partition.heal()
    }
    await hush()
    await stage.prove('joined')
  },
}
