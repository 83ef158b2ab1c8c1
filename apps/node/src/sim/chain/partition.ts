import type { ChainScenario } from './scenario.ts'
import { halves } from './sides.ts'

const BEFORE_MS = 5_000
const APART_MS = 20_000
const MORE_BLOCKS = 10
const GROWTH_MS = 120_000
const CONTESTED = 5

/** A majority and a minority go on apart. */
export const partition: ChainScenario = {
  name: 'chain-partition',
  about: 'three of five authorities are cut off from two; only they make blocks final, and all agree when it is over',
  nodes: { usual: 10, least: 5 },
  authorities: () => [0, 1, 2, 3, 4],
  async play(stage) {
    const { network, witness } = stage
    await network.gather()
    const hush = stage.traffic()
    await network.clock.sleep(BEFORE_MS)
    // Numbers 0, 2 and 4 are on one side, 1 and 3 on the other.
    const [major, minor] = halves(network.honest)
    network.network.partition(major, minor)
    const begin = stage.height()
    const contested: string[][] = []
    for (let i = 0; i < CONTESTED; i++) {
      await network.clock.sleep(APART_MS / CONTESTED)
      contested.push(await stage.payTwice(network.pick(major), network.pick(minor)))
    }
    await stage.untilHeight('majority-final', () => stage.finalHeight(major), begin + MORE_BLOCKS, GROWTH_MS)
    const minority = Math.max(...minor.map((node) => stage.chainOf(node).chain.finalised.height))
    network.expect('minority-open', minority <= begin, `The minority made ${minority} final, above ${begin}`)
    await hush()
    await stage.prove('healed')
    for (const [one = '', other = ''] of contested) {
      const [first] = stage.keepers
      const inBlocks = await Promise.all([one, other].map(async (id) => isPaid(stage, first, id)))
      const words = `Of ${one} and ${other}, which spend the same, ${inBlocks.filter(Boolean).length} are in blocks`
      network.expect('spent-once', inBlocks.filter(Boolean).length === 1, words)
    }
    network.expect('reorgs-happened', witness.reorgs > 0, 'No node left its branch')
  },
}

async function isPaid(
  stage: Parameters<ChainScenario['play']>[0],
  node: (typeof stage.keepers)[number] | undefined,
  id: string,
): Promise<boolean> {
  if (node === undefined) return false
  return node.run(async () => (await stage.chainOf(node).chain.index.transaction(Buffer.from(id, 'hex'))) !== undefined)
}
