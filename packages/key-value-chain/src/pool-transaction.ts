import type { Lane } from '@gridmesh/interfaces'
import { toHex } from '@gridmesh/ledger'
import { LENGTH_BYTES } from './block.ts'
import type { Transaction } from './transaction.ts'

/** A transaction as a mempool sees it: numbered by its sender, and nothing in it is spent. */
export interface PooledTransaction {
  readonly id: string
  readonly sender: string
  readonly nonce: number
  readonly bytes: Uint8Array
  readonly size: number
  readonly lane: Lane
  readonly spends: readonly string[]
  readonly makes: readonly string[]
  readonly transaction: Transaction
}

export function pooled(transaction: Transaction): PooledTransaction {
  const { id, sender, nonce, bytes } = transaction
  const size = bytes.byteLength + LENGTH_BYTES
  return {
    id: toHex(id),
    sender: toHex(sender),
    nonce,
    bytes,
    size,
    lane: 'normal',
    spends: [],
    makes: [],
    transaction,
  }
}
