import { textOf } from './check-block.ts'
import { READ_ATTEMPTS } from './constants.ts'
import { StoreClosedError, StoreFailedError } from './errors.ts'
import type { StateChange, StateIndex } from './index.ts'
import { Keys } from './keys.ts'
import type { BatchOperation, EntryIterator, KeyRange, KeyValueStore } from './key-value-store.ts'
import { framed, type Meta } from './meta.ts'
import { unseal } from './records.ts'
import { StateCache } from './state-cache.ts'
import { WriteQueue } from './write-queue.ts'

/**
 * The chain as the last batch left it: where it stands, its state through the cache, and the one way to change both.
 * What is read of the state is always that of `meta.tip`, also while a batch is on its way to the disk.
 */
export class ChainDisk {
  readonly store: KeyValueStore
  readonly queue: WriteQueue
  readonly cache: StateCache
  readonly index: StateIndex | undefined
  /** One after the other, so that whoever waits for its own finds nothing deleted later. */
  readonly #removals = new WriteQueue(0)
  readonly #closing = new AbortController()
  #meta: Meta
  #keys: Keys
  /** Changes of the batch under way: until it is written, entries are what they were before. */
  #underWay: ReadonlyMap<string, StateChange> | undefined
  /** Moves when a batch begins and when it ends: what is read across is read again. */
  #epoch = 0
  #refusal: StoreFailedError | StoreClosedError | undefined

  constructor(
    store: KeyValueStore,
    meta: Meta,
    limits: { maxPendingBytes: number; maxCacheBytes: number; index: StateIndex | undefined },
  ) {
    this.store = store
    this.queue = new WriteQueue(limits.maxPendingBytes)
    this.cache = new StateCache(limits.maxCacheBytes)
    this.index = limits.index
    this.#meta = meta
    this.#keys = new Keys(meta.generation)
  }

  get meta(): Readonly<Meta> {
    return this.#meta
  }

  get keys(): Keys {
    return this.#keys
  }

  /** @throws {StoreClosedError} @throws {StoreFailedError} */
  assertUsable(): void {
    if (this.#refusal !== undefined) throw this.#refusal
  }

  /** Aborts when it is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Finishes the write under way, and the piece that is deleted, refuses those that wait, and closes. Never rejects. */
  async close(): Promise<void> {
    const refusal = new StoreClosedError()
    this.#closing.abort(refusal)
    await Promise.all([this.queue.close(), this.#removals.close()])
    this.#refusal = refusal
    // All that was acknowledged is on the disk: nobody can do anything about a file that does not close.
    await this.store.close().catch(() => {})
  }

  /**
   * Writes one batch, durable when it resolves. Only for a task of the queue.
   *
   * @throws {StoreFailedError} when the write fails: whether it is on the disk is unknown then
   */
  async commit(
    operations: readonly BatchOperation[],
    change: Partial<Meta>,
    changes: ReadonlyMap<string, StateChange> = new Map(),
  ): Promise<void> {
    const meta = { ...this.#meta, ...change, sequence: this.#meta.sequence + 1 }
    this.#underWay = changes
    this.#epoch += 1
    await this.write(framed(operations, meta))
    this.#epoch += 1
    this.#underWay = undefined
    if (meta.generation !== this.#meta.generation) {
      this.#keys = new Keys(meta.generation)
      this.cache.clear()
    }
    this.#meta = meta
    changes.forEach(({ before, after }, key) => {
      if (after === undefined) this.cache.delete(key)
      // What was not there is not in the cache.
      else if (before === undefined) this.cache.add(key, after)
      else this.cache.set(key, after)
    })
  }

  /** Writes what no reader sees yet. Only for a task of the queue. @throws {StoreFailedError} */
  async write(operations: readonly BatchOperation[]): Promise<void> {
    this.assertUsable()
    try {
      await this.store.batch(operations, { sync: true })
    } catch (cause) {
      this.#refusal = new StoreFailedError({ cause })
      throw this.#refusal
    }
  }

  /**
   * Deletes what no reader sees, beside the writes, and behind all that was to be deleted before.
   *
   * @throws {StoreClosedError} also in the middle: the next open deletes the rest
   * @throws {StoreFailedError} since nobody knows then which generation is in use
   */
  async remove(range: KeyRange): Promise<void> {
    await this.#removals.run(0, async () => {
      this.assertUsable()
      await this.store.clear(range, { signal: this.closing })
    })
  }

  /** The entries of `keys`, all of one tip. */
  async readState(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const epoch = this.#epoch
      const values = await this.readStateOnce(keys)
      if (epoch === this.#epoch) return values
    }
    // Writes that follow each other closely overtake a long read for ever: let it have a turn of its own.
    return await this.queue.run(0, () => this.readStateOnce(keys))
  }

  /** Without a look at the batches that begin or end meanwhile: for tasks of the queue. */
  async readStateOnce(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.assertUsable()
    const epoch = this.#epoch
    const names = keys.map(textOf)
    const missing: number[] = []
    const values = names.map((name, index) => {
      const change = this.#underWay?.get(name)
      if (change !== undefined) return change.before
      const cached = this.cache.get(name)
      if (cached === undefined) missing.push(index)
      return cached
    })
    if (missing.length === 0) return values

    const wanted = missing.map((index) => this.#keys.state(keys[index] ?? new Uint8Array()))
    const found = await this.reading(this.store.getMany(wanted))
    for (const [at, index] of missing.entries()) {
      const record = found[at]
      if (record === undefined) continue
      const value = unseal(record, `state ${names[index]}`)
      values[index] = value
      if (epoch === this.#epoch) this.cache.set(names[index] ?? '', value)
    }
    return values
  }

  /** Iterates over the state of the tip as it is when no batch is under way. */
  async iterate({ gte, lt }: KeyRange, signal?: AbortSignal): Promise<{ keys: Keys; iterator: EntryIterator }> {
    // The store's iterator shows what is there when it is made, which is at once.
    const make = () => {
      this.assertUsable()
      const keys = this.#keys
      const range = {
        gte: keys.state(gte ?? new Uint8Array()),
        lt: lt === undefined ? keys.stateEnd : keys.state(lt),
      }
      return Promise.resolve({ keys, iterator: this.store.iterator(range) })
    }
    return await this.queue.run(0, make, signal)
  }

  /** A read that ends after the store was closed fails by that, and not by what the database says. */
  async reading<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (err) {
      this.assertUsable()
      throw err
    }
  }
}
