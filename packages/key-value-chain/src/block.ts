import { ByteReader, ByteWriter, type LedgerSigner, txRoot } from '@gridmesh/ledger'
import { MAX_BLOCK_BYTES, MAX_BLOCK_OPERATIONS, MAX_TRANSACTION_BYTES } from './constants.ts'
import type { Genesis } from './genesis.ts'
import { decodeHeader, type Header, HEADER_BYTES, signHeader } from './header.ts'
import { decodeTransaction, type Transaction } from './transaction.ts'

/** A header and the transactions under its root, in the order in which they are applied. */
export interface Block {
  readonly header: Header
  readonly transactions: readonly Transaction[]
}

/** What a block is made of. */
export interface MakeBlockInit {
  /** Of the chain that it is for. */
  genesis: Genesis
  /** The block before. */
  parent: Header
  /** Whose turn it is in that slot has to be the signer's. */
  slot: number
  /** In the order in which they are applied. */
  transactions: readonly Transaction[]
  /** Whoever makes it. */
  signer: LedgerSigner
}

/** The number of transactions, or the length of one. */
export const LENGTH_BYTES = 4
const EMPTY_BLOCK_BYTES = HEADER_BYTES + LENGTH_BYTES

/**
 * Makes and signs a block upon another one; whether it is valid is for the chain to say.
 *
 * @throws {RangeError} when it is over 1 MB, or has over 4_000 operations
 */
export function makeBlock({ genesis, parent, slot, transactions, signer }: MakeBlockInit): Block {
  const size = transactions.reduce((sum, { bytes }) => sum + LENGTH_BYTES + bytes.byteLength, EMPTY_BLOCK_BYTES)
  if (size > MAX_BLOCK_BYTES) throw new RangeError(`a block has at most ${MAX_BLOCK_BYTES} bytes, and not ${size}`)
  const count = operationsOf(transactions)
  if (count > MAX_BLOCK_OPERATIONS) {
    throw new RangeError(`a block has at most ${MAX_BLOCK_OPERATIONS} operations, and not ${count}`)
  }
  const header = signHeader(
    {
      chainId: genesis.chainId,
      height: parent.height + 1,
      parent: parent.hash,
      slot,
      producer: signer.publicKey,
      txRoot: txRoot(transactions.map(({ id }) => id)),
    },
    signer,
  )
  return { header, transactions }
}

/** Writes a block: the header, the number of transactions, and each behind its length. */
export function encodeBlock({ header, transactions }: Block): Uint8Array {
  const writer = new ByteWriter().fixed(header.bytes, HEADER_BYTES).u32(transactions.length)
  for (const { bytes } of transactions) writer.u32(bytes.byteLength).fixed(bytes, bytes.byteLength)
  return writer.finish()
}

/**
 * Reads a block of at most 1 MB and 4_000 operations. What it holds are views of `bytes`. Whether it is valid is for the
 * chain to say.
 *
 * @throws {MalformedError}
 */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes, 'block', MAX_BLOCK_BYTES)
  const header = decodeHeader(reader.fixed(HEADER_BYTES))
  const count = reader.u32()
  const transactions: Transaction[] = []
  while (transactions.length < count) {
    const length = reader.u32()
    if (length > MAX_TRANSACTION_BYTES) {
      reader.fail('oversize', `a transaction of at most ${MAX_TRANSACTION_BYTES} bytes`, String(length))
    }
    transactions.push(decodeTransaction(reader.fixed(length)))
  }
  reader.end()
  const operations = operationsOf(transactions)
  if (operations > MAX_BLOCK_OPERATIONS) {
    reader.fail('oversize', `at most ${MAX_BLOCK_OPERATIONS} operations`, String(operations))
  }
  return { header, transactions }
}

function operationsOf(transactions: readonly Transaction[]): number {
  return transactions.reduce((sum, { operations }) => sum + operations.length, 0)
}

/** Whether the transactions of a block are those that its header names. */
export function hasItsBody({ header, transactions }: Block): boolean {
  return Buffer.compare(txRoot(transactions.map(({ id }) => id)), header.txRoot) === 0
}
