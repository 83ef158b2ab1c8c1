import type { LedgerSigner } from '../crypto/signatures.ts'
import type { Refusal } from '../refusal.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { txRoot } from '../tree/tx-root.ts'
import type { Block } from './block.ts'
import { Execution, type Rules } from './execution.ts'
import { type BlockKind, chainIdOf, type Header, signHeader } from './header.ts'
import { type LedgerState, type StateStep, stepBy } from './validate-block.ts'

/** How a block is built. */
export interface BuildBlockInit extends Rules {
  /** Of the proposer. */
  signer: LedgerSigner
  /** Calendar time in ms; raised to 1 ms after the parent where it is not later. */
  timeMs: number
  /** What the block is for. @default by the first candidate of the `energy` or `governance` family */
  kind?: Exclude<BlockKind, 'genesis'>
}

/** A block, what it does to the state, and what is not in it. */
export interface BuiltBlock extends StateStep {
  block: Block
  /** The candidates that did not apply, each with the reason. */
  leftOut: { transaction: Transaction; refusal: Refusal }[]
}

/** Builds the block after `parent` of the candidates that apply, in their order. The state stays as it is. */
export function buildBlock(
  state: LedgerState,
  parent: Header,
  candidates: Iterable<Transaction>,
  init: BuildBlockInit,
): BuiltBlock {
  const offered = [...candidates]
  const chainId = chainIdOf(parent)
  const height = parent.height + 1
  const timeMs = Math.max(init.timeMs, parent.timeMs + 1)
  const kind = init.kind ?? kindFor(offered, init)
  const execution = new Execution(state.view, { chainId, height, timeMs, kind }, init)
  const transactions: Transaction[] = []
  const leftOut: BuiltBlock['leftOut'] = []
  for (const transaction of offered) {
    const refusal = execution.add(transaction)
    if (refusal === undefined) transactions.push(transaction)
    else leftOut.push({ transaction, refusal })
  }
  const step = stepBy(state.tree, execution.changes())
  const header = signHeader(
    {
      chainId,
      height,
      parent: parent.hash,
      timeMs,
      kind,
      proposer: init.signer.publicKey,
      txRoot: txRoot(transactions.map(({ id }) => id)),
      stateRoot: step.root,
      gridSequence: execution.gridSequence,
    },
    init.signer,
  )
  return { ...step, block: { header, transactions }, leftOut }
}

function kindFor(offered: readonly Transaction[], { registry }: Rules): 'energy' | 'governance' {
  const families = offered.map(({ kind }) => registry.byName(kind)?.family)
  return families.find((family) => family === 'energy' || family === 'governance') === 'governance'
    ? 'governance'
    : 'energy'
}
