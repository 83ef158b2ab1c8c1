import type { Output, OutputId } from '../state/outputs.ts'
import type { StateView } from '../state/state-view.ts'
import type { Registry } from './registry.ts'
import type { Transaction } from './transaction.ts'

/** Outputs that a transaction makes, from index 0 on. */
export interface MadeOutputs {
  /** How many it is sure to make. */
  readonly sure: number
  /** How many it makes at most, where the state has a say in it. @default `sure` */
  readonly most?: number
  /** Every key of the state that `output` may read. @default none */
  readonly reads?: readonly Uint8Array[]
  /**
   * The sure one at `index`, as `apply` makes it in a state that the transaction applies to; `undefined` where it does
   * not apply, or there is none. It is worked out alone: whoever spends one of 256 should not cost as much as all.
   */
  output(index: number, view: StateView): Output | undefined
}

/** What a transaction claims before others that wait for a block: a mempool has to know, a block does not. */
export interface Claims {
  /** Outputs that it spends. */
  readonly spends: readonly OutputId[]
  /** Outputs that it makes. @default none */
  readonly makes?: MadeOutputs
  /** The meter whose next reading it is, and the number of that. */
  readonly reading?: { readonly meter: string; readonly sequence: number }
}

const NONE: Claims = { spends: [] }

/** What a transaction claims, by its kind. */
export function claimsOf(transaction: Transaction, registry: Registry): Claims {
  return registry.byName(transaction.kind)?.claims?.(transaction) ?? NONE
}
