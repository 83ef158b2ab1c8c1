import { type Refusal, refuse } from '../refusal.ts'
import { nextNonce, nonces } from '../state/nonces.ts'
import type { Overlay } from '../state/overlay.ts'
import type { StateView } from '../state/state-view.ts'
import type { BlockContext, Kind } from './kind.ts'
import type { Registry } from './registry.ts'
import type { Transaction } from './transaction.ts'

/** Why a transaction, whose signature holds, does not apply; `undefined` where it does. Changes nothing. */
export function checkTransaction(
  transaction: Transaction,
  view: StateView,
  block: BlockContext,
  registry: Registry,
): Refusal | undefined {
  const kind = registry.byName(transaction.kind)
  return kind === undefined ? unknown(transaction) : check(kind, transaction, view, block)
}

/** As `checkTransaction`; one that applies is applied to `state`. */
export function applyTransaction(
  transaction: Transaction,
  state: Overlay,
  block: BlockContext,
  registry: Registry,
): Refusal | undefined {
  const kind = registry.byName(transaction.kind)
  if (kind === undefined) return unknown(transaction)
  const refusal = check(kind, transaction, state, block)
  if (refusal !== undefined) return refusal
  kind.apply(transaction, state, block)
  if (transaction.nonce !== undefined) nonces.put(state, transaction.address, transaction.nonce + 1)
  return undefined
}

/** Every key of the state that a transaction may read. */
export function readsOf(transaction: Transaction, registry: Registry): Uint8Array[] {
  const reads = registry.byName(transaction.kind)?.reads(transaction) ?? []
  return transaction.nonce === undefined ? reads : [...reads, nonces.key(transaction.address)]
}

function check(kind: Kind, transaction: Transaction, view: StateView, block: BlockContext): Refusal | undefined {
  const { nonce, address } = transaction
  if (nonce !== undefined) {
    const expected = nextNonce(view, address)
    if (nonce !== expected) return refuse('wrong-nonce', `nonce ${nonce}, where ${expected} is next`)
    // Beyond it the next one could not be written.
    if (nonce === Number.MAX_SAFE_INTEGER) return refuse('wrong-nonce', `nonce ${nonce} is the last there is`)
  }
  return kind.check(transaction, view, block)
}

function unknown({ kind }: Transaction): Refusal {
  return refuse('unknown-kind', `${kind} is no kind of this chain`)
}
