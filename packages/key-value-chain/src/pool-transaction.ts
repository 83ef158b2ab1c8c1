import type { Lane } from '@gridmesh/interfaces'
import { toHex } from '@gridmesh/ledger'
import { LENGTH_BYTES } from './block.ts'
import { MAX_BLOCK_BYTES, MAX_BLOCK_OPERATIONS } from './constants.ts'
import type { Transaction } from './transaction.ts'

/** Of the bytes of a block, the share of an operation: what fills one by bytes is not over its operations either. */
const OPERATION_SHARE = MAX_BLOCK_BYTES / MAX_BLOCK_OPERATIONS

/** A transaction as a mempool sees it: numbered by its sender, and nothing in it is spent. */
export interface PooledTransaction {
  readonly id: string
  readonly sender: string
  readonly nonce: number
  readonly bytes: Uint8Array
  /** Its share of a block, in bytes: its own, or 250 for each operation where that is more. */
  readonly size: number
  readonly lane: Lane
  readonly spends: readonly string[]
  readonly makes: readonly string[]
  readonly transaction: Transaction
}

export function pooled(transaction: Transaction): PooledTransaction {
  const { id, sender, nonce, bytes, operations } = transaction
  const size = Math.max(bytes.byteLength + LENGTH_BYTES, operations.length * OPERATION_SHARE)
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
