import { FORMAT_VERSION, HASH_BYTES, INDEXED_FORMAT_VERSION, JOURNAL_SLOTS } from './constants.ts'
import { CorruptStoreError, FormatVersionError } from './errors.ts'
import { FORMAT_KEY, journalKey, META_KEY } from './keys.ts'
import type { BatchOperation, KeyValueStore } from './key-value-store.ts'
import { decodeNumber, encodeNumber, seal, unseal } from './records.ts'

/** Where a chain stands. Written as the last record of each batch, it decides what of the rest counts. */
export interface Meta {
  /** Number of the batch that wrote it. */
  sequence: number
  /** Under which prefix the chain is; an import moves it. */
  generation: number
  tip: { height: number; hash: Uint8Array } | undefined
  /** Newest final height. */
  finalised: number | undefined
  /** Lowest height with a header, if there is a tip. */
  base: number
  /** Lowest height with a body. */
  bodiesFrom: number
  /** Lowest height with undo data; above the tip, if there is none. */
  undoFrom: number
}

export const EMPTY_META: Meta = {
  sequence: 0,
  generation: 0,
  tip: undefined,
  finalised: undefined,
  base: 0,
  bodiesFrom: 0,
  undoFrom: 0,
}
const NONE = -1
const META_BYTES = 7 * 8 + HASH_BYTES

function encodeMeta(meta: Meta): Uint8Array {
  const { sequence, generation, tip, finalised = NONE, base, bodiesFrom, undoFrom } = meta
  const numbers = [sequence, generation, tip?.height ?? NONE, finalised, base, bodiesFrom, undoFrom]
  return seal(...numbers.map(encodeNumber), tip?.hash ?? new Uint8Array(HASH_BYTES))
}

function decodeMeta(record: Uint8Array): Meta {
  const bytes = unseal(record, 'meta')
  if (bytes.length !== META_BYTES) throw new CorruptStoreError('meta', 'malformed')
  const number = (index: number) => decodeNumber(bytes.subarray(index * 8, index * 8 + 8), 'meta')
  const [height, finalised] = [number(2), number(3)]
  return {
    sequence: number(0),
    generation: number(1),
    tip: height === NONE ? undefined : { height, hash: bytes.slice(META_BYTES - HASH_BYTES) },
    finalised: finalised === NONE ? undefined : finalised,
    base: number(4),
    bodiesFrom: number(5),
    undoFrom: number(6),
  }
}

/** A batch with its number before it and the meta record behind: if part of it is missing, that is noticed. */
export function framed(operations: readonly BatchOperation[], meta: Meta): BatchOperation[] {
  const number: BatchOperation = {
    key: journalKey(meta.sequence % JOURNAL_SLOTS),
    value: seal(encodeNumber(meta.sequence)),
  }
  return [number].concat(operations, { key: META_KEY, value: encodeMeta(meta) })
}

/**
 * Reads where the chain stands, and writes it for a store that is empty.
 *
 * @throws {FormatVersionError} @throws {CorruptStoreError}
 */
export async function loadMeta(store: KeyValueStore): Promise<Meta> {
  const format = await store.get(FORMAT_KEY)
  if (format === undefined) return await createMeta(store)
  const version = decodeNumber(unseal(format, 'format'), 'format')
  if (version !== FORMAT_VERSION && version !== INDEXED_FORMAT_VERSION) {
    throw new FormatVersionError(INDEXED_FORMAT_VERSION, version)
  }
  const record = await store.get(META_KEY)
  if (record === undefined) throw new CorruptStoreError('meta', 'missing')
  const meta = decodeMeta(record)
  await checkJournal(store, meta.sequence)
  return meta
}

async function createMeta(store: KeyValueStore): Promise<Meta> {
  const iterator = store.iterator({})
  try {
    if ((await iterator.next()).length > 0) throw new CorruptStoreError('format', 'foreign')
  } finally {
    await iterator.close()
  }
  await store.batch(framed([putFormat(FORMAT_VERSION)], EMPTY_META), { sync: true })
  return EMPTY_META
}

/** What puts the number of the format. */
export function putFormat(version: number): BatchOperation {
  return { key: FORMAT_KEY, value: seal(encodeNumber(version)) }
}

/**
 * LevelDB passes over a damaged record of its log and applies those behind it, and the block store would be of no
 * state that ever was. Each of the last batches has left its number, so that a gap among them shows.
 */
async function checkJournal(store: KeyValueStore, sequence: number): Promise<void> {
  const slots = Array.from({ length: JOURNAL_SLOTS }, (_, slot) => slot)
  const records = await store.getMany(slots.map(journalKey))
  const numbers = records.map((record) =>
    record === undefined ? NONE : decodeNumber(unseal(record, 'journal'), 'journal'),
  )
  if (numbers.some((number) => number > sequence)) throw new CorruptStoreError(`batch ${sequence + 1}`, 'torn-batch')
  for (let number = Math.max(0, sequence - JOURNAL_SLOTS + 1); number <= sequence; number++) {
    if (numbers[number % JOURNAL_SLOTS] !== number) throw new CorruptStoreError(`batch ${number}`, 'lost-batch')
  }
}
