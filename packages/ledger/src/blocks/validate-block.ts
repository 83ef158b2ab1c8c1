import { areEqual } from '../bytes.ts'
import { type BlockRefusalCode, type Refusal, refuse, type TransactionRefusalCode } from '../refusal.ts'
import { type Change, invert, type StateView } from '../state/state-view.ts'
import type { StateTree, TreeUpdate } from '../tree/state-tree.ts'
import type { Block } from './block.ts'
import { checkBlock, differs } from './check-header.ts'
import { Execution, type Rules } from './execution.ts'
import { chainIdOf, type Header } from './header.ts'

/** The state after some block: what it holds, and the tree over it. */
export interface LedgerState {
  view: StateView
  tree: StateTree
}

/** What a block does to the state. Nothing is done yet: write `changes` to the store, and commit `update`. */
export interface StateStep {
  /** What to write, and what undoes it. */
  changes: Change[]
  /** Root of the state after it. */
  root: Uint8Array
  /** What the tree becomes. */
  update: TreeUpdate
}

/** What there is to say of a block. */
export type BlockVerdict =
  | ({ status: 'valid' } & StateStep)
  | ({
      status: 'refused'
      /** Which of the transactions is refused, where it is one. */
      index?: number
    } & Refusal<BlockRefusalCode | TransactionRefusalCode>)

/**
 * Judges a block by the state after its parent: a pure function of the two. The state is as before, whatever comes out.
 * Whether it was the proposer's turn, and whether its time lies ahead, is for the consensus to say.
 */
export function validateBlock(state: LedgerState, parent: Header, block: Block, rules: Rules): BlockVerdict {
  const refusal = checkBlock(state.view, parent, block, rules)
  if (refusal !== undefined) return { status: 'refused', ...refusal }

  const { header, transactions } = block
  const { height, timeMs, kind } = header
  const execution = new Execution(state.view, { chainId: chainIdOf(parent), height, timeMs, kind }, rules)
  let index = 0
  for (const transaction of transactions) {
    const fault = execution.add(transaction)
    if (fault !== undefined) return { status: 'refused', index, ...fault }
    index++
  }
  const { gridSequence } = execution
  if (gridSequence !== header.gridSequence) {
    const message = `grid sequence ${header.gridSequence}, where ${gridSequence} was expected`
    return { status: 'refused', ...refuse('wrong-grid-sequence', message) }
  }
  const step = stepBy(state.tree, execution.changes())
  if (areEqual(step.root, header.stateRoot)) return { status: 'valid', ...step }
  return { status: 'refused', ...differs('wrong-state-root', header.stateRoot, step.root) }
}

/** What takes the changes of a block back, the newest one first. @throws {StateTreeError} */
export function undoBlock(tree: StateTree, changes: readonly Change[]): StateStep {
  return stepBy(tree, invert(changes))
}

export function stepBy(tree: StateTree, changes: Change[]): StateStep {
  const update = tree.prepare(changes)
  return { changes, root: update.root, update }
}
