import type { ChainDisk } from './chain-disk.ts'
import type { Keys } from './keys.ts'
import type { EntryIterator } from './key-value-store.ts'
import { unseal } from './records.ts'

/** Where entries are read, and how their keys are. */
export interface EntriesFrom {
  keys: Keys
  iterator: EntryIterator
}

/** The entries of a state that an iterator goes over, which is closed with it. @throws {CorruptStoreError} */
export async function* readEntries(
  disk: ChainDisk,
  from: EntriesFrom,
  signal: AbortSignal | undefined,
): AsyncGenerator<[key: Uint8Array, value: Uint8Array], void, undefined> {
  for await (const some of readEntriesAtOnce(disk, from, signal)) for (const entry of some) yield entry
}

/**
 * The same, some at a time: to wait for each entry takes longer than to read it. The next ones are read meanwhile.
 *
 * @throws {CorruptStoreError}
 */
export async function* readEntriesAtOnce(
  disk: ChainDisk,
  { keys, iterator }: EntriesFrom,
  signal: AbortSignal | undefined,
): AsyncGenerator<[key: Uint8Array, value: Uint8Array][], void, undefined> {
  try {
    let next = read(iterator)
    for (;;) {
      signal?.throwIfAborted()
      disk.assertUsable()
      const entries = await disk.reading(next)
      if (entries.length === 0) return
      next = read(iterator)
      yield entries.map(([key, record]) => [keys.stateKeyOf(key), unseal(record, 'entry of the state')])
    }
  } finally {
    await iterator.close()
  }
}

/** Reads the next ones. Whoever leaves in between does not ask what came of it. */
function read(iterator: EntryIterator): ReturnType<EntryIterator['next']> {
  const reading = iterator.next()
  reading.catch(() => undefined)
  return reading
}
