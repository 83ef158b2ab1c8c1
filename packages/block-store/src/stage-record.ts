import { otherGenerations, STAGE_KEY } from './keys.ts'
import type { KeyValueStore } from './key-value-store.ts'
import type { Meta } from './meta.ts'
import { decodeNumber, encodeNumber, seal, unseal } from './records.ts'

const NUMBER_BYTES = 8

/** What state is staged, and in which generation. */
export interface StageRecord {
  generation: number
  name: Uint8Array
}

export function encodeStage({ generation, name }: StageRecord): Uint8Array {
  return seal(encodeNumber(generation), name)
}

/** Deletes what is of no generation in use, but for a state that is staged, and says which that is. */
export async function clearRest(store: KeyValueStore, { generation }: Meta): Promise<StageRecord | undefined> {
  const record = await store.get(STAGE_KEY)
  const stage = record === undefined ? undefined : decodeStage(record)
  const isKept = stage?.generation === generation + 1
  for (const range of otherGenerations(generation, isKept ? generation + 1 : generation)) await store.clear(range)
  if (isKept) return stage
  if (stage !== undefined) await store.batch([{ key: STAGE_KEY, value: undefined }], { sync: true })
  return undefined
}

/** @throws {CorruptStoreError} */
function decodeStage(record: Uint8Array): StageRecord {
  const bytes = unseal(record, 'stage')
  return { generation: decodeNumber(bytes.subarray(0, NUMBER_BYTES), 'stage'), name: bytes.slice(NUMBER_BYTES) }
}
