import type { ChainDisk } from './chain-disk.ts'
import { CannotFinaliseError } from './errors.ts'
import type { StoredBlock } from './index.ts'
import { generationRange, otherGenerations } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'
import type { StageRecord } from './stage-record.ts'

/** Makes a generation the one in use, whose only block is final. Only for a task of the queue. */
export async function adoptGeneration(
  disk: ChainDisk,
  generation: number,
  { height, hash }: StoredBlock,
  operations: readonly BatchOperation[],
): Promise<void> {
  const change = { tip: { height, hash: hash.slice() }, finalised: height, base: height, bodiesFrom: height }
  await disk.commit(operations, { ...change, generation, undoFrom: height + 1 })
}

/** Deletes all of a generation that is not in use, not at once. @throws {StoreClosedError} @throws {StoreFailedError} */
export async function removeGeneration(disk: ChainDisk, generation: number): Promise<void> {
  await disk.remove(generationRange(generation))
}

/**
 * Deletes, in its own time, what is of no generation in use, but for a state that is staged. What is not deleted stays
 * until the next open.
 */
export function removeRest(disk: ChainDisk, staged: StageRecord | undefined): void {
  const { generation } = disk.meta
  for (const range of otherGenerations(generation, staged?.generation)) disk.remove(range).catch(() => {})
}

/** @throws {CannotFinaliseError} */
export function checkFinality({ meta }: ChainDisk, height: number): void {
  if (meta.finalised !== undefined && height < meta.finalised) {
    throw new CannotFinaliseError('below-finalised', height, meta.finalised)
  }
}
