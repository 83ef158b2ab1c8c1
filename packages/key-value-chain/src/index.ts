/**
 * @packageDocumentation
 *
 * A whole chain that is small enough to be read in an hour: signed transactions set and delete keys, producers take
 * turns at making blocks of them, and what a node holds is a map. It is run by the same `BlockSync` and the same `Mempool`
 * as any other chain, over the same block store, and stands as a model for a chain of your own.
 *
 * Not for money, nor among producers who lie: blocks are final by depth alone, and anybody may change any key.
 *
 * @example
 *
 * ```ts
 * import { type Genesis, KeyValueChain, signTransaction, type ChainStore } from '@gridmesh/key-value-chain'
 * import { signerOf } from '@gridmesh/ledger'
 *
 * async function set(store: ChainStore, genesis: Genesis, key: Uint8Array, value: Uint8Array): Promise<void> {
 *   const chain = await KeyValueChain.open({ store, genesis })
 *   const signer = signerOf(new Uint8Array(32).fill(1))
 *   const nonce = await chain.nextNonce(signer.publicKey)
 *   const operations = [{ type: 'set', key, value }] as const
 *   const block = await chain.propose([signTransaction({ chainId: genesis.chainId, signer, nonce, operations })], signer)
 *   if (block !== undefined) await chain.importBlock(block)
 *   await chain.close()
 * }
 * ```
 */
import type { ChainTip } from '@gridmesh/interfaces'
import type { Verify } from '@gridmesh/ledger'
import type { Genesis } from './genesis.ts'
import type { PooledTransaction } from './pool-transaction.ts'
import type { ChainStore } from './store.ts'

/** What a chain is made of. */
export interface KeyValueChainComponents {
  /** A `BlockStore` of `@gridmesh/block-store`, or one of your own. */
  store: ChainStore
  genesis: Genesis
  /** Checks a signature. @default that of libsodium, in this thread */
  verify?: Verify
}

/** Options of a chain; nodes may differ in them. */
export interface KeyValueChainInit {
  /** Blocks kept in memory that are not in the chain; beyond it ends of branches go, the oldest of the producer with most. @default 256 */
  maxSideBlocks?: number
  /** Bytes of those blocks; beyond it as with `maxSideBlocks`. @default 16_777_216 */
  maxSideBytes?: number
  /** Blocks that wait to be imported, and as many other calls beside; one more is a `QueueFullError`. @default 1_024 */
  maxQueued?: number
  /** Bytes of the blocks that wait; beyond it as with `maxQueued`. @default 33_554_432 */
  maxQueuedBytes?: number
  /** How long before its slot a block may come, in ms; earlier, it is refused as `time-ahead`. @default 500 */
  maxClockAheadMs?: number
}

/** A step of the chain. */
export interface ChainMove {
  tip: ChainTip
  /** Transactions that are no longer in the chain, the oldest first: for `onSwitch` of a `Mempool`. */
  reverted: PooledTransaction[]
  /** Transactions that came into the chain, in order: for `onSwitch` of a `Mempool`. */
  applied: PooledTransaction[]
}

/** Events of a chain. */
export interface KeyValueChainEvents {
  /** There is another tip. It is told before anything else can be read, and before the import resolves. */
  'chain:moved': CustomEvent<ChainMove>
}

/** What a chain holds beside its blocks. */
export interface KeyValueChainStats {
  sideBlocks: number
  sideBytes: number
  /** Calls that wait, imports among them. */
  queued: number
  /** Bytes of the blocks that wait. */
  queuedBytes: number
}

export { type Block, decodeBlock, encodeBlock, makeBlock, type MakeBlockInit } from './block.ts'
export type { Refusal } from './check.ts'
export * from './errors.ts'
export { type Genesis, type GenesisInit, makeGenesis, producerOf, slotAt } from './genesis.ts'
export { decodeHeader, type Header, type HeaderFields, headerSignatureOf, signHeader } from './header.ts'
export { KeyValueChain } from './key-value-chain.ts'
export type { PoolPort } from './pool-port.ts'
export type { PooledTransaction } from './pool-transaction.ts'
export type { HeaderFacts, KeyValueReader } from './reader.ts'
export { execute, type Execution, invert, keysOf, type StateChange, type StateEntries, stateName } from './state.ts'
export type { ChainStore, StoredBlock, StoredHeader } from './store.ts'
export {
  decodeTransaction,
  type Operation,
  signatureOf,
  signTransaction,
  type SignTransactionInit,
  type Transaction,
} from './transaction.ts'
