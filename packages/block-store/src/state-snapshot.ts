import type { ChainDisk } from './chain-disk.ts'
import type { CallOptions, Tip } from './index.ts'
import type { Keys } from './keys.ts'
import type { KeyValueSnapshot } from './key-value-store.ts'
import { readEntriesAtOnce } from './read-entries.ts'
import { readIndexed } from './read-indexed.ts'
import { unseal } from './records.ts'

/** The state as it was after a block, whatever was appended or reverted since. It ends with the store. */
export class StateSnapshot {
  /** The block; `undefined` of an empty store. */
  readonly tip: Tip | undefined
  readonly #disk: ChainDisk
  readonly #keys: Keys
  readonly #snapshot: KeyValueSnapshot

  /** Only for a task of the queue, when no batch is under way. */
  constructor(disk: ChainDisk) {
    this.tip = disk.meta.tip
    this.#disk = disk
    this.#keys = disk.keys
    this.#snapshot = disk.store.snapshot()
  }

  /** Entries by their keys, past the cache. @throws {CorruptStoreError} @throws {StoreClosedError} */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#disk.assertUsable()
    const records = await this.#disk.reading(this.#snapshot.getMany(keys.map((key) => this.#keys.state(key))))
    return records.map((record) => (record === undefined ? undefined : unseal(record, 'entry of a snapshot')))
  }

  /** All entries in the order of their keys, some at a time. @throws {CorruptStoreError} @throws {StoreClosedError} */
  entries({ signal }: CallOptions = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array][], void, undefined> {
    this.#disk.assertUsable()
    return readEntriesAtOnce(
      this.#disk,
      { keys: this.#keys, iterator: this.#snapshot.iterator(this.#keys.states) },
      signal,
    )
  }

  /**
   * The entries of a term of the store's index, in the order of their keys, some at a time.
   *
   * @throws {TypeError} when the store has no index @throws {RangeError} when the term has over 255 bytes
   * @throws {CorruptStoreError} @throws {StoreClosedError}
   */
  indexed(
    term: Uint8Array,
    { signal }: CallOptions = {},
  ): AsyncGenerator<[key: Uint8Array, value: Uint8Array][], void, undefined> {
    this.#disk.assertUsable()
    return readIndexed(this.#disk, { keys: this.#keys, snapshot: this.#snapshot, term }, signal)
  }

  /** Lets go of it, so that the store may delete what only it held. Again is nothing. */
  async close(): Promise<void> {
    await this.#snapshot.close()
  }
}
