import { BlockReads } from './block-reads.ts'
import type { ChainDisk } from './chain-disk.ts'
import { appendBlock, finaliseHeight, prependBlock, revertTip } from './chain-writes.ts'
import { changesByKey, checkBlock } from './check-block.ts'
import { MAX_HEIGHT } from './constants.ts'
import { checkFinality } from './generations.ts'
import { importState, type StateEntries } from './import-state.ts'
import type {
  AppendOptions,
  BlockStoreInit,
  BlockStoreStats,
  CallOptions,
  EntriesOptions,
  StateChange,
  StoredBlock,
  StoredHeader,
  Tip,
  TransactionPlace,
} from './index.ts'
import type { KeyValueStore } from './key-value-store.ts'
import { openLevel } from './level-store.ts'
import { openDisk } from './open-disk.ts'
import { checkWhole, type Limits, limitsOf } from './options.ts'
import { readEntries } from './read-entries.ts'
import { Stage } from './stage.ts'
import type { StageRecord } from './stage-record.ts'
import type { StagedState } from './staged-state.ts'
import { StateSnapshot } from './state-snapshot.ts'

/** One chain on disk: its blocks, its state, and what takes blocks back. Writes are done one after the other. */
export class BlockStore {
  readonly #disk: ChainDisk
  readonly #reads: BlockReads
  readonly #limits: Limits
  readonly #stage: Stage
  #closed: Promise<void> | undefined

  private constructor(disk: ChainDisk, limits: Limits, staged: StageRecord | undefined) {
    this.#disk = disk
    this.#reads = new BlockReads(disk, limits.maxHeaders)
    this.#limits = limits
    this.#stage = new Stage(disk, limits, staged)
  }

  /**
   * Opens the store in a directory, which is created where it is not there. An index that is not there is built, which an
   * abort ends: the next open begins again. What an import left behind is deleted while the store is in use.
   *
   * @throws {RangeError} when an option makes no sense
   * @throws {StoreLockedError} when it is open already @throws {StoreUnavailableError} when it cannot be opened
   * @throws {FormatVersionError} @throws {CorruptStoreError} @throws {StoreFailedError}
   */
  static async open(path: string, init: BlockStoreInit = {}, options: CallOptions = {}): Promise<BlockStore> {
    return await BlockStore.over(await openLevel(path, limitsOf(init)), init, options)
  }

  /**
   * Opens the store in a `KeyValueStore`, which is closed with it, and when it cannot be opened.
   *
   * @throws {RangeError} when an option makes no sense
   * @throws {FormatVersionError} @throws {CorruptStoreError} @throws {StoreFailedError}
   */
  static async over(store: KeyValueStore, init: BlockStoreInit = {}, options: CallOptions = {}): Promise<BlockStore> {
    try {
      const limits = limitsOf(init)
      const { disk, staged } = await openDisk(store, limits, options.signal)
      return new BlockStore(disk, limits, staged)
    } catch (err) {
      await store.close()
      throw err
    }
  }

  /** The newest block; `undefined` in an empty store. */
  get tip(): Tip | undefined {
    return this.#disk.meta.tip
  }

  /** Height of the newest final block; `undefined` before there is one. */
  get finalised(): number | undefined {
    return this.#disk.meta.finalised
  }

  /**
   * Puts a block upon the tip, with its changes of the state. Durable when it resolves. The first block of an empty
   * store may have any height. Calls may be made one upon the other without waiting, up to `maxPendingBytes`.
   *
   * @throws {TypeError} @throws {RangeError} when the block or a change makes no sense
   * @throws {UnlinkedBlockError} when the block does not follow the tip
   * @throws {CannotFinaliseError} when `finalise` is not below the block, or below what is final
   * @throws {BlockTooLargeError} @throws {TooMuchPendingError}
   * @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async append(block: StoredBlock, changes: readonly StateChange[], options: AppendOptions = {}): Promise<void> {
    const size = checkBlock(block, changes, this.#limits.maxBlockBytes)
    const byKey = changesByKey(changes)
    const { finalise } = options
    if (finalise !== undefined) checkWhole('finalise', finalise, 0, MAX_HEIGHT)
    const init = { keepBlocks: this.#limits.keepBlocks, finalise }
    await this.#write(size, () => appendBlock(this.#disk, block, byKey, init), options)
  }

  /**
   * Takes the tip off and restores the state from before it. Durable when it resolves.
   *
   * @throws {CannotRevertError} when there is no tip, it is final, or its undo data was pruned
   * @throws {CorruptStoreError} @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async revert(options: CallOptions = {}): Promise<StoredBlock> {
    return await this.#write(0, () => revertTip(this.#disk), options)
  }

  /**
   * Makes the blocks up to `height` final: they cannot be reverted, and their undo data is dropped. A height that is
   * final already, and the newest such, changes nothing.
   *
   * @throws {RangeError} @throws {CannotFinaliseError} when the height is above the tip or below what is final
   * @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async finalise(height: number, options: CallOptions = {}): Promise<void> {
    checkWhole('height', height, 0, MAX_HEIGHT)
    await this.#write(0, () => finaliseHeight(this.#disk, height), options)
  }

  /**
   * Puts the block before the lowest one, without any state: history that comes after an import. Where `keepBlocks`
   * would have pruned its body, only its header is kept.
   *
   * @throws {TypeError} @throws {RangeError} @throws {BlockTooLargeError} @throws {TooMuchPendingError}
   * @throws {UnlinkedBlockError} when it is not the parent of the lowest block, or the store is empty
   * @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async prepend(block: StoredBlock, options: CallOptions = {}): Promise<void> {
    const size = checkBlock(block, [], this.#limits.maxBlockBytes)
    await this.#write(size, () => prependBlock(this.#disk, block, this.#limits.keepBlocks), options)
  }

  /**
   * Replaces the whole chain by a state and the block it is of, which is final from then on. Until all is written, the
   * store goes on with what it has: an import that fails, is aborted or killed leaves no trace. Blocks from before are
   * deleted afterwards, beside what the store does then. Of entries with the same key the last one counts.
   *
   * @throws {ImportUnderWayError} when there is one already
   * @throws {CannotFinaliseError} when the block is below what is final
   * @throws {TypeError} @throws {RangeError} @throws {BlockTooLargeError}
   * @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async importState(entries: StateEntries, tip: StoredBlock, options: CallOptions = {}): Promise<void> {
    const { maxBlockBytes } = this.#limits
    checkBlock(tip, [], maxBlockBytes)
    this.#disk.assertUsable()
    // Before anything is let go of for it.
    checkFinality(this.#disk, tip.height)
    const signals = [this.#disk.closing, ...(options.signal === undefined ? [] : [options.signal])]
    await this.#stage.alone(() =>
      importState(this.#disk, entries, tip, { maxBlockBytes, signal: AbortSignal.any(signals) }),
    )
  }

  /** Name of the state that is staged, by `stageState`; `undefined` where none is. */
  get staged(): Uint8Array | undefined {
    return this.#stage.name
  }

  /**
   * Begins, or goes on with, a state that comes in parts: of the same name, the parts from before are there still, also
   * over a restart; one of another name is deleted. Until it is finished the store goes on with what it has.
   *
   * @throws {ImportUnderWayError} when there is an import already @throws {RangeError} when the name has over 256 bytes
   * @throws {StoreClosedError} @throws {StoreFailedError}
   */
  async stageState(name: Uint8Array): Promise<StagedState> {
    this.#disk.assertUsable()
    return await this.#stage.open(name)
  }

  /** A header by height or hash; `undefined` where there is none. @throws {CorruptStoreError} @throws {StoreClosedError} */
  async header(at: number | Uint8Array): Promise<StoredHeader | undefined> {
    return await this.#reads.header(at)
  }

  /**
   * At most `limit` headers from a height on, ascending; fewer at the tip, none where the height is not stored.
   *
   * @throws {RangeError} when the limit is over `maxHeaders` @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  async headers(from: number, limit: number): Promise<StoredHeader[]> {
    return await this.#reads.headers(from, limit)
  }

  /**
   * The body of a block; `undefined` where it is not stored or was pruned.
   *
   * @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  async body(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return await this.#reads.body(hash)
  }

  /** The height of a block; `undefined` where there is none. @throws {CorruptStoreError} @throws {StoreClosedError} */
  async heightOf(hash: Uint8Array): Promise<number | undefined> {
    return await this.#reads.heightOf(hash)
  }

  /**
   * Where a transaction is, the newest place if it has several; `undefined` where it is not known, or its block was
   * pruned.
   *
   * @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  async transaction(id: Uint8Array): Promise<TransactionPlace | undefined> {
    return await this.#reads.transaction(id)
  }

  /** An entry of the state of the tip; not to be changed. @throws {CorruptStoreError} @throws {StoreClosedError} */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const [value] = await this.getMany([key])
    return value
  }

  /** Entries of the state, all of one tip; not to be changed. @throws {CorruptStoreError} @throws {StoreClosedError} */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return await this.#disk.readState(keys)
  }

  /**
   * All entries of the state in the order of their keys, or those of a range: of the tip as it is when the first one
   * is asked for, whatever is appended meanwhile.
   *
   * @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  async *entries(options: EntriesOptions = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    const { signal } = options
    yield* readEntries(this.#disk, await this.#disk.iterate(options, signal), signal)
  }

  /**
   * The entries of a term of the index, in the order of their keys: of the tip as it is when the first one is asked for,
   * whatever is appended meanwhile.
   *
   * @throws {TypeError} when the store has no index @throws {RangeError} when the term has over 255 bytes
   * @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  async *indexed(
    term: Uint8Array,
    options: CallOptions = {},
  ): AsyncGenerator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    const snapshot = await this.snapshot(options)
    try {
      for await (const some of snapshot.indexed(term, options)) yield* some
    } finally {
      await snapshot.close()
    }
  }

  /**
   * The state of the tip as it is when no write is under way, to be read later, whatever is appended meanwhile. Whoever
   * asks closes it: until then the disk keeps what has changed since.
   *
   * @throws {StoreClosedError}
   */
  async snapshot({ signal }: CallOptions = {}): Promise<StateSnapshot> {
    return await this.#write(0, () => Promise.resolve(new StateSnapshot(this.#disk)), { signal })
  }

  /** What the store holds and does. */
  stats(): BlockStoreStats {
    const { meta, queue, cache } = this.#disk
    const isEmpty = meta.tip === undefined
    return {
      base: isEmpty ? undefined : meta.base,
      bodiesFrom: isEmpty ? undefined : meta.bodiesFrom,
      undoFrom: isEmpty ? undefined : meta.undoFrom,
      pendingBytes: queue.pendingBytes,
      batches: meta.sequence,
      cache: { ...cache.stats },
    }
  }

  /**
   * Finishes the write under way, refuses those that wait, and closes. What is not deleted yet of a chain that was
   * replaced is left to the next open. Never rejects; again is the same.
   */
  close(): Promise<void> {
    this.#closed ??= this.#disk.close()
    return this.#closed
  }

  async #write<T>(bytes: number, task: () => Promise<T>, { signal }: CallOptions): Promise<T> {
    this.#disk.assertUsable()
    const write = () => {
      this.#disk.assertUsable()
      return task()
    }
    return await this.#disk.queue.run(bytes, write, signal)
  }
}
