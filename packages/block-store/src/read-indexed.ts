import { present } from './block-records.ts'
import type { ChainDisk } from './chain-disk.ts'
import { isSame } from './check-block.ts'
import { CorruptStoreError } from './errors.ts'
import type { StateIndex } from './index.ts'
import type { Keys } from './keys.ts'
import type { KeyValueSnapshot } from './key-value-store.ts'
import { unseal } from './records.ts'
import { checkTerm, termOf } from './state-index.ts'

/** What is asked for, and of which moment. */
export interface IndexedFrom {
  keys: Keys
  snapshot: KeyValueSnapshot
  term: Uint8Array
}

const NAME = 'entry that the index names'

/**
 * The entries of a term in the order of their keys, some at a time.
 *
 * @throws {TypeError} when there is no index @throws {RangeError} when it is no term
 * @throws {CorruptStoreError} when the index names what is not there, or what has another term
 */
export async function* readIndexed(
  disk: ChainDisk,
  { keys, snapshot, term }: IndexedFrom,
  signal: AbortSignal | undefined,
): AsyncGenerator<[key: Uint8Array, value: Uint8Array][], void, undefined> {
  const { index } = disk
  if (index === undefined) throw new TypeError('the store was opened without an index')
  checkTerm(term)
  const iterator = snapshot.iterator(keys.indexed(term))
  try {
    for (;;) {
      signal?.throwIfAborted()
      disk.assertUsable()
      const records = await disk.reading(iterator.next())
      if (records.length === 0) return
      for (const [, record] of records) unseal(record, 'index of the state')
      const found = records.map(([key]) => keys.indexedKeyOf(key, term))
      const values = await disk.reading(snapshot.getMany(found.map((key) => keys.state(key))))
      yield found.map((key, at) => [key, entryOf(index, key, values[at], term)])
    }
  } finally {
    await iterator.close()
  }
}

/** @throws {CorruptStoreError} */
function entryOf(index: StateIndex, key: Uint8Array, record: Uint8Array | undefined, term: Uint8Array): Uint8Array {
  const value = unseal(present(record, NAME), NAME)
  const known = termOf(index, key, value)
  if (known === undefined || !isSame(known, term)) throw new CorruptStoreError(NAME, 'malformed')
  return value
}
