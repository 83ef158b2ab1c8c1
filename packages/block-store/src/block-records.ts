import { PRUNE_PER_APPEND } from './constants.ts'
import type { ChainDisk } from './chain-disk.ts'
import { CorruptStoreError } from './errors.ts'
import type { StateChange, StoredBlock, StoredHeader } from './index.ts'
import type { Keys } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'
import { decodeHeader, decodeIds, seal, sealNumber, unseal } from './records.ts'

/** What puts the header of a block and its number. */
export function putHeader(keys: Keys, block: StoredHeader): BatchOperation[] {
  return [
    { key: keys.header(block.height), value: seal(block.hash, block.parent, block.header) },
    { key: keys.heightOf(block.hash), value: sealNumber(block.height) },
  ]
}

/** What puts the body of a block and its index. */
export function putBody(keys: Keys, block: StoredBlock): BatchOperation[] {
  const { height, hash, body, transactions } = block
  const operations = [
    { key: keys.body(height, hash), value: seal(body) },
    { key: keys.ids(height), value: seal(Buffer.concat(transactions)) },
  ]
  let position = 0
  for (const id of transactions) {
    operations.push({ key: keys.transaction(id, height), value: sealNumber(position++) })
  }
  return operations
}

/** What deletes the body of a block and its index. */
export function deleteBody(keys: Keys, height: number, hash: Uint8Array, ids: readonly Uint8Array[]): BatchOperation[] {
  const all = [keys.body(height, hash), keys.ids(height), ...ids.map((id) => keys.transaction(id, height))]
  return all.map((key) => ({ key, value: undefined }))
}

/** What makes the state that of after a block. */
export function putState(keys: Keys, changes: readonly Pick<StateChange, 'key' | 'after'>[]): BatchOperation[] {
  return changes.map(({ key, after }) => ({
    key: keys.state(key),
    value: after === undefined ? undefined : seal(after),
  }))
}

/** A header that is there by `meta`. @throws {CorruptStoreError} */
export async function readHeader(disk: ChainDisk, height: number): Promise<StoredHeader> {
  const record = await disk.reading(disk.store.get(disk.keys.header(height)))
  return decodeHeader(present(record, `header ${height}`), height)
}

/** A whole block that is there by `meta`. Only for a task of the queue. @throws {CorruptStoreError} */
export async function readBlock(disk: ChainDisk, height: number): Promise<StoredBlock> {
  const header = await readHeader(disk, height)
  const [body, ids] = await disk.reading(
    disk.store.getMany([disk.keys.body(height, header.hash), disk.keys.ids(height)]),
  )
  const name = `body of block ${height}`
  return {
    ...header,
    body: unseal(present(body, name), name),
    transactions: decodeIds(present(ids, `transactions of block ${height}`), height),
  }
}

/**
 * What deletes the bodies and undo data of blocks that are no longer kept, a few at a time, once `height` is the tip.
 * Returns the lowest height whose body stays, too.
 */
export async function prune(
  disk: ChainDisk,
  height: number,
  keepBlocks: number,
): Promise<{ operations: BatchOperation[]; bodiesFrom: number }> {
  const { bodiesFrom, undoFrom } = disk.meta
  const end = Math.min(height - keepBlocks + 1, bodiesFrom + PRUNE_PER_APPEND)
  const operations: BatchOperation[] = []
  for (let pruned = bodiesFrom; pruned < end; pruned++) {
    const { hash } = await readHeader(disk, pruned)
    const ids = await disk.reading(disk.store.get(disk.keys.ids(pruned)))
    const name = `transactions of block ${pruned}`
    for (const operation of deleteBody(disk.keys, pruned, hash, decodeIds(present(ids, name), pruned))) {
      operations.push(operation)
    }
    if (pruned >= undoFrom) operations.push({ key: disk.keys.undo(pruned), value: undefined })
  }
  return { operations, bodiesFrom: Math.max(bodiesFrom, end) }
}

/** @throws {CorruptStoreError} when there is no record */
export function present(record: Uint8Array | undefined, name: string): Uint8Array {
  if (record === undefined) throw new CorruptStoreError(name, 'missing')
  return record
}
