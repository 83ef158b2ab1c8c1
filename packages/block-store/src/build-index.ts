import type { ChainDisk } from './chain-disk.ts'
import { FORMAT_VERSION, IMPORT_CHUNK_BYTES, INDEXED_FORMAT_VERSION, OPERATION_BYTES } from './constants.ts'
import { INDEX_KEY, Keys } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'
import { putFormat } from './meta.ts'
import { readEntriesAtOnce } from './read-entries.ts'
import { seal, unseal } from './records.ts'
import { putIndex } from './state-index.ts'

/** In the place of an id: what there is belongs to no index. */
const NOBODYS = new Uint8Array(0)

/** Makes the index on the disk the one that was asked for, if any. @throws {CorruptStoreError} @throws {StoreFailedError} */
export async function openIndex(disk: ChainDisk, signal: AbortSignal | undefined): Promise<void> {
  const { index, store, meta } = disk
  const record = await store.get(INDEX_KEY)
  const id = record === undefined ? undefined : Buffer.from(unseal(record, 'index')).toString()
  if (id === index?.id) return
  signal?.throwIfAborted()
  // First, and until all is done: killed in between, the next open begins again.
  await disk.commit([putFormat(INDEXED_FORMAT_VERSION), { key: INDEX_KEY, value: seal(NOBODYS) }], {})
  // A state that is staged has some of one where it was not finished.
  for (const each of [meta.generation, meta.generation + 1]) await store.clear(new Keys(each).indexes)
  await buildIndex(disk, disk.keys, signal)
  await disk.commit(
    index === undefined
      ? [putFormat(FORMAT_VERSION), { key: INDEX_KEY, value: undefined }]
      : [{ key: INDEX_KEY, value: seal(Buffer.from(index.id)) }],
    {},
  )
}

/**
 * Writes the index of a state that is on the disk, if there is to be one, in the place of what was left of another
 * attempt. All of it at the end, and not with each entry as that comes: of entries with the same key the last one counts,
 * and to find those before would cost a read for each. Its batches are numbered, so that one that is lost shows.
 */
export async function buildIndex(disk: ChainDisk, keys: Keys, signal: AbortSignal | undefined): Promise<void> {
  const { index, queue, store } = disk
  if (index === undefined) return
  await queue.run(0, () => store.clear(keys.indexes), signal)
  const iterator = store.iterator(keys.states)
  let operations: BatchOperation[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const batch = operations
    await queue.run(0, () => disk.commit(batch, {}), signal)
    operations = []
    bytes = 0
  }
  for await (const entries of readEntriesAtOnce(disk, { keys, iterator }, signal)) {
    const changes = entries.map(([key, after]) => ({ key, before: undefined, after }))
    for (const operation of putIndex(keys, index, changes)) {
      operations.push(operation)
      bytes += operation.key.length + OPERATION_BYTES
      if (bytes > IMPORT_CHUNK_BYTES) await flush()
    }
  }
  if (bytes > 0) await flush()
}
