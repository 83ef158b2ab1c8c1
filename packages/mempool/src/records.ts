import { hash } from 'node:crypto'
import { textOf } from './ask.ts'
import type { PoolTransaction } from './chain.ts'

const VERSION = 1
const CHECKSUM_BYTES = 8
/** Checksum, version, type. */
const HEAD_BYTES = CHECKSUM_BYTES + 2
/** Order and calendar time, eight bytes each. */
const PLACE_BYTES = 16

const TYPES = ['placed', 'waiting', 'removed', 'local'] as const

/** What a record of a transaction that is held says. */
interface HeldRecord {
  type: 'placed' | 'waiting'
  /** Place among all that came. */
  order: number
  /** When it came, in ms since the epoch. */
  atMs: number
  bytes: Uint8Array
}

/** What a record of an id says: that it is held no more, or that it is held and was offered as local. */
interface IdRecord {
  type: 'removed' | 'local'
  id: string
}

/** What a record says. */
export type PoolRecord = HeldRecord | IdRecord

/** A transaction as records tell of it. */
export interface Kept<T extends PoolTransaction> {
  transaction: T
  type: 'placed' | 'waiting'
  order: number
  atMs: number
  isLocal: boolean
}

/** The bytes of a record: checksum, version, type; then order, time and transaction, or an id. */
export function encodeRecord(record: PoolRecord): Uint8Array {
  const hasPlace = 'order' in record
  const body = hasPlace ? record.bytes : Buffer.from(record.id, 'utf8')
  const headBytes = HEAD_BYTES + (hasPlace ? PLACE_BYTES : 0)
  const bytes = Buffer.allocUnsafe(headBytes + body.byteLength)
  bytes[CHECKSUM_BYTES] = VERSION
  bytes[CHECKSUM_BYTES + 1] = TYPES.indexOf(record.type)
  if (hasPlace) {
    bytes.writeDoubleBE(record.order, HEAD_BYTES)
    bytes.writeDoubleBE(record.atMs, HEAD_BYTES + 8)
  }
  bytes.set(body, headBytes)
  bytes.set(checksum(bytes))
  return bytes
}

/** Reads a record; `undefined` for what is none, or was one once. */
function decodeRecord(record: Uint8Array): PoolRecord | undefined {
  const bytes = Buffer.from(record)
  const type = TYPES[bytes[CHECKSUM_BYTES + 1] ?? TYPES.length]
  if (type === undefined || bytes[CHECKSUM_BYTES] !== VERSION) return undefined
  if (Buffer.compare(checksum(bytes), bytes.subarray(0, CHECKSUM_BYTES)) !== 0) return undefined
  if (type === 'removed' || type === 'local') return { type, id: bytes.toString('utf8', HEAD_BYTES) }
  if (bytes.byteLength < HEAD_BYTES + PLACE_BYTES) return undefined
  const order = bytes.readDoubleBE(HEAD_BYTES)
  const atMs = bytes.readDoubleBE(HEAD_BYTES + 8)
  if (!(Number.isSafeInteger(order) && Number.isFinite(atMs))) return undefined
  return { type, order, atMs, bytes: bytes.subarray(HEAD_BYTES + PLACE_BYTES) }
}

/** What is left of records that were read one after the other. */
export class RecordReader<T extends PoolTransaction> {
  readonly #decode: (bytes: Uint8Array) => T
  readonly #max: Readonly<Record<Kept<T>['type'], number>>
  readonly #kept = new Map<string, Kept<T>>()
  readonly #counts = { placed: 0, waiting: 0 }
  #corrupt = 0
  #dropped = 0

  constructor(decode: (bytes: Uint8Array) => T, max: Readonly<Record<Kept<T>['type'], number>>) {
    this.#decode = decode
    this.#max = max
  }

  /** Records that could not be read. */
  get corrupt(): number {
    return this.#corrupt
  }

  /** Transactions left out since there were more than the pool may hold. */
  get dropped(): number {
    return this.#dropped
  }

  read(bytes: Uint8Array): void {
    const record = decodeRecord(bytes)
    if (record === undefined) this.#corrupt += 1
    else if ('order' in record) this.#keep(record)
    else if (record.type === 'removed') this.#remove(record.id)
    else this.#mark(record.id)
  }

  /** What is to be held again, in the order in which it was held. */
  kept(): Kept<T>[] {
    return [...this.#kept.values()].toSorted((a, b) => a.order - b.order)
  }

  /** Of what is not held it says nothing: a record of it may have been torn. */
  #mark(id: string): void {
    const kept = this.#kept.get(id)
    if (kept !== undefined) kept.isLocal = true
  }

  #keep({ type, order, atMs, bytes }: HeldRecord): void {
    const transaction = this.#decoded(bytes)
    if (typeof transaction === 'string') {
      this.#corrupt += 1
      return
    }
    // Its place may be another than before, and stays that of whoever offered it.
    const isLocal = this.#kept.get(transaction.id)?.isLocal ?? false
    this.#remove(transaction.id)
    if (this.#counts[type] >= this.#max[type]) {
      this.#dropped += 1
      return
    }
    this.#counts[type] += 1
    this.#kept.set(transaction.id, { transaction, type, order, atMs, isLocal })
  }

  #remove(id: string): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#counts[kept.type] -= 1
    this.#kept.delete(id)
  }

  #decoded(bytes: Uint8Array): T | string {
    try {
      // Of its own memory, without the head of the record.
      return this.#decode(new Uint8Array(bytes))
    } catch (err) {
      return textOf(err)
    }
  }
}

function checksum(bytes: Uint8Array): Uint8Array {
  // In one call: it costs a third of a hash object, and there are two records for each transaction.
  return hash('sha256', bytes.subarray(CHECKSUM_BYTES), 'buffer').subarray(0, CHECKSUM_BYTES)
}
