import type { BlockFault } from './chain-block.ts'
import type { MainChain } from './main-chain.ts'
import type { SideBlock, SideLimits } from './side-blocks.ts'

/** The blocks of the head's branch above a height, which are to be taken off: all read before anything moves. */
export async function blocksAbove(
  main: MainChain,
  height: number,
  limits: SideLimits,
): Promise<SideBlock[] | BlockFault> {
  const count = main.tip.facts.height - height
  const tooLong = {
    code: 'reorg-too-long',
    message: `${count} blocks would have to be reverted, which is more than may be kept beside the main chain`,
  }
  if (count > limits.maxSideBlocks) return tooLong
  const blocks: SideBlock[] = []
  let byteLength = 0
  for (let at = height + 1; at <= height + count; at++) {
    const block = await main.blockAt(at)
    if (block === undefined) return { code: 'reorg-pruned', message: `block ${at}, to be reverted, is pruned` }
    blocks.push({ ...block, isVerified: true, isExecuted: true })
    byteLength += block.full.bytes.byteLength
    if (byteLength > limits.maxSideBytes) return tooLong
  }
  return blocks
}
