import { deleteBody, present, prune, putBody, putHeader, putState, readBlock, readHeader } from './block-records.ts'
import type { ChainDisk } from './chain-disk.ts'
import { changesByKey, checkFollows, checkPrecedes } from './check-block.ts'
import { UNDO_PER_BATCH } from './constants.ts'
import { CannotFinaliseError, CannotRevertError, UnlinkedBlockError } from './errors.ts'
import type { StateChange, StoredBlock } from './index.ts'
import type { BatchOperation } from './key-value-store.ts'
import { EMPTY_META, type Meta } from './meta.ts'
import { putIndex } from './state-index.ts'
import { decodeUndo, encodeUndo } from './undo.ts'

/** Puts a block upon the tip. */
export async function appendBlock(
  disk: ChainDisk,
  block: StoredBlock,
  changes: ReadonlyMap<string, StateChange>,
  { keepBlocks, finalise }: { keepBlocks: number; finalise: number | undefined },
): Promise<void> {
  const { keys, meta } = disk
  const { height, hash } = block
  checkFollows(block, meta.tip)
  if (finalise !== undefined) checkFinal(finalise, meta)
  const pruned = meta.tip === undefined ? { operations: [], bodiesFrom: height } : await prune(disk, height, keepBlocks)
  const final = finalise === undefined ? undefined : dropUndo(disk, finalise)
  const undoFrom = Math.max(pruned.bodiesFrom, final?.undoFrom ?? meta.undoFrom)
  const changed = [...changes.values()]
  await disk.commit(
    // By `concat`: these are long, and to spread them asks for each.
    pruned.operations.concat(
      final?.operations ?? [],
      putHeader(keys, block),
      putBody(keys, block),
      { key: keys.undo(height), value: encodeUndo(changed) },
      putState(keys, changed),
      putIndex(keys, disk.index, changed),
    ),
    {
      tip: { height, hash: new Uint8Array(hash) },
      base: meta.tip === undefined ? height : meta.base,
      bodiesFrom: pruned.bodiesFrom,
      undoFrom: meta.tip === undefined ? height : undoFrom,
      ...(finalise !== undefined && { finalised: finalise }),
    },
    changes,
  )
}

/** Takes the tip off. @throws {CannotRevertError} @throws {CorruptStoreError} */
export async function revertTip(disk: ChainDisk): Promise<StoredBlock> {
  const { keys, meta } = disk
  const { tip, finalised, undoFrom, base } = meta
  if (tip === undefined) throw new CannotRevertError('empty')
  if (finalised !== undefined && tip.height <= finalised) throw new CannotRevertError('finalised', tip.height)
  if (tip.height < undoFrom) throw new CannotRevertError('no-undo-data', tip.height)

  const block = await readBlock(disk, tip.height)
  const record = await disk.reading(disk.store.get(keys.undo(tip.height)))
  const undo = decodeUndo(present(record, `undo data of block ${tip.height}`), tip.height)
  const values = await disk.readStateOnce(undo.map(({ key }) => key))
  const changes = undo.map(({ key, before }, index) => ({ key, before: values[index], after: before }))
  const operations = [
    { key: keys.header(tip.height), value: undefined },
    { key: keys.heightOf(tip.hash), value: undefined },
    ...deleteBody(keys, tip.height, tip.hash, block.transactions),
    { key: keys.undo(tip.height), value: undefined },
    ...putState(keys, changes),
    ...putIndex(keys, disk.index, changes),
  ]
  const { sequence: _sequence, generation: _generation, ...empty } = EMPTY_META
  const below = tip.height === base ? empty : { tip: { height: tip.height - 1, hash: block.parent } }
  await disk.commit(operations, below, changesByKey(changes))
  return block
}

/** Makes a height final, in as many batches as its undo data needs. @throws {CannotFinaliseError} */
export async function finaliseHeight(disk: ChainDisk, height: number): Promise<void> {
  checkFinal(height, disk.meta)
  if (height === disk.meta.finalised) return
  do {
    const { operations, undoFrom } = dropUndo(disk, height)
    await disk.commit(operations, { finalised: height, undoFrom })
  } while (disk.meta.undoFrom <= height)
}

/** @throws {CannotFinaliseError} */
function checkFinal(height: number, { tip, finalised }: Readonly<Meta>): void {
  if (tip === undefined || height > tip.height) throw new CannotFinaliseError('above-tip', height, tip?.height)
  if (finalised !== undefined && height < finalised) {
    throw new CannotFinaliseError('below-finalised', height, finalised)
  }
}

/** What deletes undo data up to a height, as much as one batch may, and from where on there is any then. */
function dropUndo(disk: ChainDisk, height: number): { operations: BatchOperation[]; undoFrom: number } {
  const { undoFrom } = disk.meta
  const end = Math.min(height + 1, undoFrom + UNDO_PER_BATCH)
  const operations: BatchOperation[] = []
  for (let dropped = undoFrom; dropped < end; dropped++) {
    operations.push({ key: disk.keys.undo(dropped), value: undefined })
  }
  return { operations, undoFrom: Math.max(undoFrom, end) }
}

/** Puts a block before the lowest one. @throws {UnlinkedBlockError} */
export async function prependBlock(disk: ChainDisk, block: StoredBlock, keepBlocks: number): Promise<void> {
  const { keys, meta } = disk
  const { tip, base, bodiesFrom } = meta
  if (tip === undefined) throw new UnlinkedBlockError('empty', 'a block after it', 'none')
  checkPrecedes(block, await readHeader(disk, base))
  const isBodyKept = bodiesFrom === base && tip.height - block.height < keepBlocks
  await disk.commit([...putHeader(keys, block), ...(isBodyKept ? putBody(keys, block) : [])], {
    base: block.height,
    bodiesFrom: isBodyKept ? block.height : bodiesFrom,
  })
}
