/**
 * @packageDocumentation
 *
 * Blocks, state and undo data of a chain on disk. A block and all that it changes is one batch: killed at any moment,
 * the store opens at a whole block, and at none before one that was acknowledged. Tips can be taken off again, heights
 * made final, old bodies pruned, and the whole state replaced at once.
 *
 * It knows nothing of transactions, signatures or rules: headers, bodies and entries are bytes, and whoever appends has
 * validated them. Nor does it choose between branches: it holds one chain.
 *
 * @example
 *
 * ```ts
 * import { BlockStore } from '@gridmesh/block-store'
 *
 * const store = await BlockStore.open('./chain')
 * const hash = crypto.getRandomValues(new Uint8Array(32))
 * const bytes = new TextEncoder().encode('...')
 * const block = { height: 0, hash, parent: new Uint8Array(32), header: bytes, body: bytes, transactions: [] }
 * await store.append(block, [{ key: bytes, before: undefined, after: bytes }])
 * await store.close()
 * ```
 */
import type { KeyRange } from './key-value-store.ts'
import type { CacheStats } from './state-cache.ts'

/** Options of a `BlockStore`. */
export interface BlockStoreInit {
  /** Newest blocks whose body, index and undo data are kept, from 1; older ones are pruned, four with each append. Headers stay. @default Infinity */
  keepBlocks?: number
  /** Largest block with its changes, in bytes, up to 2_147_483_647; a larger one is a `BlockTooLargeError`. So is a larger entry of an import. @default 33_554_432 */
  maxBlockBytes?: number
  /** Bytes of writes under way at once, at least `maxBlockBytes`; beyond is a `TooMuchPendingError`. An import has 4 MiB, or one entry, beside it. @default 67_108_864 */
  maxPendingBytes?: number
  /** Bytes of state entries kept in memory, 96 more for each; beyond, those used longest ago go. 0 keeps none. @default 67_108_864 */
  maxCacheBytes?: number
  /** Headers read at once, up to 1_000_000; more is a `RangeError`. @default 2_000 */
  maxHeaders?: number
  /** Write buffer of LevelDB, in bytes, 65_536 to 1_073_741_824; it holds up to two. Each open takes up to a quarter less, by chance, so that nodes of a chain do not sort their tables all at once. A larger one takes longer to open after a crash. @default 33_554_432 */
  writeBufferBytes?: number
  /** Cache of LevelDB for blocks of its tables, in bytes; beyond, those used longest ago go. @default 33_554_432 */
  blockCacheBytes?: number
  /** By what `indexed` finds entries of the state. Where the store has another one, or none, it is built by `open`; without, what there is of one is deleted. @default none */
  index?: StateIndex
}

/** Finds entries of the state by something other than their key, as outputs by their owner. */
export interface StateIndex {
  /** Name of what `termOf` does, of 1 to 256 bytes: whoever changes that changes the name, and the index is built anew. */
  readonly id: string
  /** The term of an entry, of at most 255 bytes, always the same for the same entry; `undefined` where it has none. */
  termOf(key: Uint8Array, value: Uint8Array): Uint8Array | undefined
}

/** What a call may be given. */
export interface CallOptions {
  /** Ends the call, as long as what it writes has not begun to be written. */
  signal?: AbortSignal | undefined
}

/** What an append may be given. */
export interface AppendOptions extends CallOptions {
  /** Makes the blocks up to this height final, below the one that is appended, in the same batch; as `finalise` does. */
  finalise?: number | undefined
}

/** Which entries of the state are asked for: from `gte` on, before `lt`. */
export interface EntriesOptions extends KeyRange, CallOptions {}

/** The place of a block. */
export interface Tip {
  height: number
  hash: Uint8Array
}

/** A header, opaque but for its place. */
export interface StoredHeader extends Tip {
  /** Hash of the block before. */
  parent: Uint8Array
  header: Uint8Array
}

/** A block, opaque but for its place and the ids of its transactions. Hashes and ids have 32 bytes. */
export interface StoredBlock extends StoredHeader {
  body: Uint8Array
  /** Ids in the order of the transactions; none twice. */
  transactions: readonly Uint8Array[]
}

/** A change of one entry of the state; none of a block change the same entry. */
export interface StateChange {
  key: Uint8Array
  /** What it was; taken for true, since `revert` restores it, and an index takes it out by it. */
  before: Uint8Array | undefined
  /** What it becomes; `undefined` deletes it. */
  after: Uint8Array | undefined
}

/** An entry of the state. */
export type StateEntry = readonly [key: Uint8Array, value: Uint8Array]

/** Where a transaction is. */
export interface TransactionPlace {
  height: number
  /** Index among the transactions of its block. */
  position: number
}

/** What a store holds and does. */
export interface BlockStoreStats {
  /** Lowest height with a header. */
  base: number | undefined
  /** Lowest height with a body. */
  bodiesFrom: number | undefined
  /** Lowest height that can be reverted; above the tip, if none can. */
  undoFrom: number | undefined
  /** Bytes of writes that wait or are under way. */
  pendingBytes: number
  /** Batches written since the store was made. */
  batches: number
  cache: CacheStats
}

export { BlockStore } from './block-store.ts'
export * from './errors.ts'
export type { BatchOperation, EntryIterator, KeyRange, KeyValueSnapshot, KeyValueStore } from './key-value-store.ts'
export { memoryStore } from './memory-store.ts'
export type { StagedState } from './staged-state.ts'
export type { StateSnapshot } from './state-snapshot.ts'
export type { CacheStats } from './state-cache.ts'
