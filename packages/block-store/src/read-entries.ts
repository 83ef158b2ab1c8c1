import type { ChainDisk } from './chain-disk.ts'
import type { Keys } from './keys.ts'
import type { EntryIterator } from './key-value-store.ts'
import { unseal } from './records.ts'

/** The entries of a state that an iterator goes over, which is closed with it. @throws {CorruptStoreError} */
export async function* readEntries(
  disk: ChainDisk,
  { keys, iterator }: { keys: Keys; iterator: EntryIterator },
  signal: AbortSignal | undefined,
): AsyncGenerator<[key: Uint8Array, value: Uint8Array], void, undefined> {
  try {
    for (;;) {
      signal?.throwIfAborted()
      disk.assertUsable()
      const entries = await disk.reading(iterator.next())
      if (entries.length === 0) return
      for (const [key, record] of entries) yield [keys.stateKeyOf(key), unseal(record, 'entry of the state')]
    }
  } finally {
    await iterator.close()
  }
}
