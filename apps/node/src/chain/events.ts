import type { ChainTip } from '@gridmesh/interfaces'
import type { Block } from '@gridmesh/ledger'
import type { BlockFault } from './chain-block.ts'

/** The chain left its branch for a better one. Blocks ascend. */
export interface ChainReorg {
  /** Head before. */
  from: ChainTip
  /** Head after. */
  to: ChainTip
  /** Newest block of both branches. */
  ancestor: ChainTip
  /** Blocks that were taken off, and kept beside. */
  reverted: readonly ChainTip[]
  /** Blocks that came in their place. */
  applied: readonly ChainTip[]
}

/** The events of the chain, in the order in which they are told of one step. State, store and mempool are of the new head by then. */
export interface ChainEvents {
  /** A block came to the branch of the head; each that a switch of branches brought, too. */
  'chain:block': CustomEvent<Block>
  /** The head is on another branch than before. */
  'chain:reorg': CustomEvent<ChainReorg>
  /** There is another head. Where no block was told of before, the state at a checkpoint was taken. */
  'chain:head': CustomEvent<ChainTip>
  /** A block can no longer be reverted, and all before it. Heights rise. */
  'chain:final': CustomEvent<ChainTip>
  /** A better branch cannot be gone to: too much would have to be reverted, or what it takes is pruned. */
  'chain:stuck': CustomEvent<BlockFault>
  /** A step failed half way: nothing is imported any more until the chain is opened anew. */
  'chain:failed': CustomEvent<Error>
}
