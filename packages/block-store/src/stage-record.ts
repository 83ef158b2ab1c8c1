import { STAGE_KEY } from './keys.ts'
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

/** The state that is staged, if it is beside the generation in use: the record of another one is deleted. */
export async function loadStage(store: KeyValueStore, { generation }: Meta): Promise<StageRecord | undefined> {
  const record = await store.get(STAGE_KEY)
  if (record === undefined) return undefined
  const stage = decodeStage(record)
  if (stage.generation === generation + 1) return stage
  await store.batch([{ key: STAGE_KEY, value: undefined }], { sync: true })
  return undefined
}

/** @throws {CorruptStoreError} */
function decodeStage(record: Uint8Array): StageRecord {
  const bytes = unseal(record, 'stage')
  return { generation: decodeNumber(bytes.subarray(0, NUMBER_BYTES), 'stage'), name: bytes.slice(NUMBER_BYTES) }
}
