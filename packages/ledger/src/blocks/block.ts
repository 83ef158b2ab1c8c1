import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES } from '../constants.ts'
import type { Registry } from '../transactions/registry.ts'
import { decodeTransactions, MIN_TRANSACTION_BYTES, type Transaction } from '../transactions/transaction.ts'
import { txRoot } from '../tree/tx-root.ts'
import { decodeHeader, type Header, HEADER_BYTES } from './header.ts'

/** A header and the transactions under its root, in the order in which they are applied. */
export interface Block {
  readonly header: Header
  readonly transactions: readonly Transaction[]
}

/** The number of transactions, or the length of one. */
export const LENGTH_BYTES = 4
/** A block without transactions. */
export const EMPTY_BLOCK_BYTES = HEADER_BYTES + LENGTH_BYTES

/** Length of a block as it is encoded. */
export function blockBytes(transactions: readonly Transaction[]): number {
  return transactions.reduce((sum, { bytes }) => sum + LENGTH_BYTES + bytes.byteLength, EMPTY_BLOCK_BYTES)
}

/** Roots that were worked out, as long as somebody has the block. */
const roots = new WeakMap<Block, Uint8Array>()

/** The root over the transactions of a block, which its header should state; worked out once. */
export function txRootOf(block: Block): Uint8Array {
  const known = roots.get(block)
  if (known !== undefined) return known
  const root = txRoot(block.transactions.map(({ id }) => id))
  roots.set(block, root)
  return root
}

/** Writes a block: the header, the number of transactions, and each behind its length. */
export function encodeBlock({ header, transactions }: Block): Uint8Array {
  const writer = new ByteWriter().fixed(header.bytes, HEADER_BYTES).u32(transactions.length)
  for (const { bytes } of transactions) writer.u32(bytes.byteLength).fixed(bytes, bytes.byteLength)
  return writer.finish()
}

/**
 * Reads a block of at most 1 MB. What it holds are views of `bytes`. Whether it is valid is for `validateBlock` to say.
 *
 * @throws {MalformedError}
 */
export function decodeBlock(bytes: Uint8Array, registry: Registry): Block {
  const reader = new ByteReader(bytes, 'block', MAX_BLOCK_BYTES)
  const header = decodeHeader(reader.fixed(HEADER_BYTES))
  const count = reader.u32()
  const all: Uint8Array[] = []
  while (all.length < count) {
    const length = reader.u32()
    if (length > MAX_TRANSACTION_BYTES) {
      reader.fail('oversize', `a transaction of at most ${MAX_TRANSACTION_BYTES} bytes`, String(length))
    }
    // Or a block would be a quarter of a million of nothing, each of which is hashed before any is read.
    if (length < MIN_TRANSACTION_BYTES) {
      reader.fail('truncated', `a transaction of at least ${MIN_TRANSACTION_BYTES} bytes`, String(length))
    }
    all.push(reader.fixed(length))
  }
  reader.end()
  return { header, transactions: decodeTransactions(all, registry) }
}
