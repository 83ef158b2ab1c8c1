import type { ChainDisk } from './chain-disk.ts'
import { checkBytes } from './check-block.ts'
import { putBody, putHeader } from './block-records.ts'
import { buildIndex } from './build-index.ts'
import { IMPORT_CHUNK_BYTES, OPERATION_BYTES } from './constants.ts'
import { BlockTooLargeError } from './errors.ts'
import { adoptGeneration, checkFinality, removeGeneration, removeRest } from './generations.ts'
import type { StateEntry, StoredBlock } from './index.ts'
import { Keys } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'
import { seal } from './records.ts'

export type StateEntries = AsyncIterable<StateEntry> | Iterable<StateEntry>

/**
 * Writes a state beside the one in use, under the prefix of the next generation, then makes it the one in use. Until
 * that one batch, nothing of it counts; what is left of an import that ended early is deleted. It has one piece under
 * way at a time, which is not counted under `maxPendingBytes`: appends would make it fail.
 */
export async function importState(
  disk: ChainDisk,
  entries: StateEntries,
  tip: StoredBlock,
  limits: { maxBlockBytes: number; signal: AbortSignal },
): Promise<void> {
  const generation = disk.meta.generation + 1
  const keys = new Keys(generation)
  await removeGeneration(disk, generation)
  try {
    await writeEntries(disk, keys, entries, limits)
    await buildIndex(disk, keys, limits.signal)
    await disk.queue.run(
      0,
      async () => {
        checkFinality(disk, tip.height)
        await adoptGeneration(disk, generation, tip, [...putHeader(keys, tip), ...putBody(keys, tip)])
      },
      limits.signal,
    )
  } catch (err) {
    // What is of no generation in use is deleted by the next open, too.
    await removeGeneration(disk, generation).catch(() => {})
    throw err
  }
  removeRest(disk, undefined)
}

async function writeEntries(
  disk: ChainDisk,
  keys: Keys,
  entries: StateEntries,
  { maxBlockBytes, signal }: { maxBlockBytes: number; signal: AbortSignal },
): Promise<void> {
  let operations: BatchOperation[] = []
  let bytes = 0
  const flush = async () => {
    const batch = operations
    await disk.queue.run(0, () => disk.write(batch), signal)
    operations = []
    bytes = 0
  }
  for await (const [key, value] of abortable(entries, signal)) {
    const size = checkBytes('key', key) + checkBytes('value', value) + OPERATION_BYTES
    if (size > maxBlockBytes) throw new BlockTooLargeError(size, maxBlockBytes)
    if (bytes + size > IMPORT_CHUNK_BYTES && bytes > 0) await flush()
    operations.push({ key: keys.state(key), value: seal(value) })
    bytes += size
  }
  await flush()
}

/** The entries, until the signal aborts: also while the next one does not come. */
async function* abortable(entries: StateEntries, signal: AbortSignal): AsyncGenerator<StateEntry, void, undefined> {
  if (Symbol.iterator in entries) {
    for (const entry of entries) {
      signal.throwIfAborted()
      yield entry
    }
    return
  }
  const iterator = entries[Symbol.asyncIterator]()
  // One listener for all: a race with one promise for each entry would keep all of them.
  let fail: ((reason: unknown) => void) | undefined
  const onAbort = () => fail?.(signal.reason)
  signal.addEventListener('abort', onAbort)
  let isOver = false
  try {
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<StateEntry, unknown>>()
      fail = reject
      signal.throwIfAborted()
      iterator.next().then(resolve, reject)
      const result = await promise
      isOver = result.done === true
      if (result.done === true) return
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a generator that waits for what does not come would not end either.
    if (!isOver) iterator.return?.().catch(() => {})
  }
}
