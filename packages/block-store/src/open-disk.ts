import { readHeader } from './block-records.ts'
import { openIndex } from './build-index.ts'
import { ChainDisk } from './chain-disk.ts'
import { isSame } from './check-block.ts'
import { CorruptStoreError } from './errors.ts'
import { removeRest } from './generations.ts'
import type { KeyValueStore } from './key-value-store.ts'
import { loadMeta } from './meta.ts'
import type { Limits } from './options.ts'
import { loadStage, type StageRecord } from './stage-record.ts'

/**
 * The chain that a store holds, and what state is staged there. The index is made the one that was asked for; what an
 * import left behind is deleted in its own time.
 *
 * @throws {FormatVersionError} @throws {CorruptStoreError} @throws {StoreFailedError}
 */
export async function openDisk(
  store: KeyValueStore,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<{ disk: ChainDisk; staged: StageRecord | undefined }> {
  const meta = await loadMeta(store)
  const staged = await loadStage(store, meta)
  const disk = new ChainDisk(store, meta, limits)
  const { tip } = meta
  if (tip !== undefined && !isSame((await readHeader(disk, tip.height)).hash, tip.hash)) {
    throw new CorruptStoreError(`header ${tip.height}`, 'malformed')
  }
  await openIndex(disk, signal)
  removeRest(disk, staged)
  return { disk, staged }
}
