import type { AbstractLevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { checkTable } from './check-table.ts'
import { CLEAR_ENTRIES, FILE_BYTES, ITERATOR_BYTES, ITERATOR_ENTRIES } from './constants.ts'
import { CorruptStoreError, StoreLockedError, StoreUnavailableError } from './errors.ts'
import type { BatchOperation, EntryIterator, KeyRange, KeyValueSnapshot, KeyValueStore } from './key-value-store.ts'
import { isMarked, mark, unmark } from './open-mark.ts'
import { isHeadless, tablesInUse } from './tables-in-use.ts'

type Level = AbstractLevel<string | Buffer | Uint8Array, Uint8Array, Uint8Array>
/** LevelDB's `sync`, which the abstract interface leaves to its implementations. */
interface WriteOptions {
  sync: boolean
}
/** LevelDB's own options of an iterator: without them, each call reads no more than 16 KiB. */
const READING = { highWaterMarkBytes: ITERATOR_BYTES, fillCache: false } as const

/** An abstract-level database as a `KeyValueStore`. */
export class LevelStore implements KeyValueStore {
  readonly #level: Level
  readonly #path: string

  constructor(level: Level, path: string) {
    this.#level = level
    this.#path = path
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read(this.#level.get(key))
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(this.#level.getMany(keys))
  }

  async batch(operations: readonly BatchOperation[], options: WriteOptions): Promise<void> {
    // A chained batch: of an array, abstract-level copies each operation, which took two and a half times as long.
    const batch = this.#level.batch()
    for (const { key, value } of operations) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    await batch.write(options)
  }

  iterator(range: KeyRange & { reverse?: boolean }): EntryIterator {
    return this.#iterate(this.#level.iterator<Uint8Array, Uint8Array>({ ...range, ...READING }))
  }

  snapshot(): KeyValueSnapshot {
    const snapshot = this.#level.snapshot()
    return {
      getMany: (keys) => this.#read(this.#level.getMany(keys, { snapshot })),
      iterator: (range) =>
        this.#iterate(this.#level.iterator<Uint8Array, Uint8Array>({ ...range, ...READING, snapshot })),
      close: () => snapshot.close(),
    }
  }

  async clear(range: KeyRange, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    // Each piece from the first key that is left: from the start, LevelDB would pass over all that is deleted, again.
    const rest = { ...range }
    for (;;) {
      signal?.throwIfAborted()
      const [first] = await this.#level.keys({ ...rest, limit: 1 }).all()
      if (first === undefined) return
      rest.gte = first
      await this.#level.clear({ ...rest, limit: CLEAR_ENTRIES })
    }
  }

  async close(): Promise<void> {
    await this.#level.close()
    await unmark(this.#path)
  }

  #iterate(iterator: {
    nextv(size: number): Promise<[Uint8Array, Uint8Array][]>
    close(): Promise<void>
  }): EntryIterator {
    return { next: () => this.#read(iterator.nextv(ITERATOR_ENTRIES)), close: () => iterator.close() }
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (cause) {
      throw readError(this.#path, cause)
    }
  }
}

/**
 * Opens LevelDB in a directory, which is created where it is not there. After an end without a close its tables are checked.
 *
 * @throws {StoreLockedError} @throws {StoreUnavailableError} @throws {CorruptStoreError}
 */
export async function openLevel(
  path: string,
  options: { writeBufferBytes: number; blockCacheBytes: number },
): Promise<KeyValueStore> {
  await check(path)
  // It opens by itself soon after it is made, whether it is asked to or not.
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: spread(options.writeBufferBytes),
    cacheSize: options.blockCacheBytes,
    maxFileSize: FILE_BYTES,
    // Hashes, keys and signatures do not get smaller.
    compression: false,
  })
  try {
    await level.open()
  } catch (err) {
    // Abstract-level says that it did not open; its cause says why.
    const cause = err instanceof Error && err.cause !== undefined ? err.cause : err
    if (codeOf(cause) === 'LEVEL_LOCKED') throw new StoreLockedError(path, { cause })
    throw readError(path, cause)
  }
  try {
    await mark(path)
  } catch (cause) {
    await level.close()
    throw new StoreUnavailableError(path, { cause })
  }
  return new LevelStore(level, path)
}

/** Checks what LevelDB would not, before it opens. @throws {CorruptStoreError} @throws {StoreUnavailableError} */
async function check(path: string): Promise<void> {
  try {
    if (await isHeadless(path)) throw new CorruptStoreError('CURRENT', 'missing')
    if (!(await isMarked(path))) return
    for (const name of await tablesInUse(path)) await checkTable(path, name)
  } catch (err) {
    throw err instanceof CorruptStoreError ? err : new StoreUnavailableError(path, { cause: err })
  }
}

/**
 * Up to a quarter less. All nodes of a chain write the same, so with buffers of one size all of them would sort their
 * tables in the same moment, and nobody would be there for what comes meanwhile.
 */
function spread(bytes: number): number {
  return Math.round(bytes * (1 - Math.random() / 4))
}

function readError(path: string, cause: unknown): Error {
  if (codeOf(cause) === 'LEVEL_CORRUPTION') return new CorruptStoreError('database', 'files', { cause })
  return new StoreUnavailableError(path, { cause })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
