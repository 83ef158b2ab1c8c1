import type { ChainDisk } from './chain-disk.ts'
import { CannotFinaliseError } from './errors.ts'
import type { StoredBlock } from './index.ts'
import { generationRange } from './keys.ts'
import type { BatchOperation } from './key-value-store.ts'

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

/** Deletes all of a generation, not at once. */
export async function removeGeneration(disk: ChainDisk, generation: number): Promise<void> {
  await disk.queue.run(0, () => disk.store.clear(generationRange(generation)))
}

/** @throws {CannotFinaliseError} */
export function checkFinality({ meta }: ChainDisk, height: number): void {
  if (meta.finalised !== undefined && height < meta.finalised) {
    throw new CannotFinaliseError('below-finalised', height, meta.finalised)
  }
}
