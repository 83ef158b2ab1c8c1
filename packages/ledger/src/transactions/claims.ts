import type { OutputId } from '../state/outputs.ts'
import type { Registry } from './registry.ts'
import type { Transaction } from './transaction.ts'

/** What a transaction claims before others that wait for a block: a mempool has to know, a block does not. */
export interface Claims {
  /** Outputs that it spends. */
  readonly spends: readonly OutputId[]
  /** How many outputs it is sure to make, from index 0 on. @default 0 */
  readonly makes?: number
  /** The meter whose next reading it is, and the number of that. */
  readonly reading?: { readonly meter: string; readonly sequence: number }
}

const NONE: Claims = { spends: [] }

/** What a transaction claims, by its kind. */
export function claimsOf(transaction: Transaction, registry: Registry): Claims {
  return registry.byName(transaction.kind)?.claims?.(transaction) ?? NONE
}
