import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type BookEntry, mergeAddresses, nameOf } from './book-entry.ts'
import { MAX_TIME_MS } from './constants.ts'
import { CorruptEntryError } from './errors.ts'
import type { SignedAddresses } from './signed-addresses.ts'
import { readBack } from './stored-time.ts'

/** Of the stored form. */
const FORMAT_VERSION = 1
/** An unsigned integer of 64 bits has no more digits. */
const SEQ = /^\d{1,20}$/
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEntry(entry: BookEntry): Uint8Array {
  const { table, role, region, group, failures, addedMs, reachedMs } = entry
  const addresses = entry.addresses.map(String)
  const record = entry.record && { seq: String(entry.record.seq), addresses: entry.record.addresses.map(String) }
  const json = { v: FORMAT_VERSION, table, addresses, record, role, region, group, failures, addedMs, reachedMs }
  return encoder.encode(JSON.stringify(json))
}

/**
 * Reads a stored entry back. Times that are too far ahead of the clock are taken as now.
 * @throws {CorruptEntryError} for bytes that `encodeEntry` would not make
 */
export function decodeEntry(id: PeerId, bytes: Uint8Array, maxAddresses: number): BookEntry {
  const json = readObject(parse(bytes), 'value')
  if (json['v'] !== FORMAT_VERSION) throw new CorruptEntryError('version')
  const table = readString(json, 'table')
  if (table !== 'new' && table !== 'tried') throw new CorruptEntryError('table')
  const addresses = mergeAddresses(readAddresses(json['addresses']), [], maxAddresses)
  if (addresses.length === 0) throw new CorruptEntryError('addresses')
  const record = readRecord(json['record'], maxAddresses)
  const nowMs = Date.now()
  return {
    id,
    table,
    addresses,
    ...(record !== undefined && { record }),
    group: readString(json, 'group'),
    failures: readNumber(json, 'failures', Number.MAX_SAFE_INTEGER),
    addedMs: readBack(readNumber(json, 'addedMs', MAX_TIME_MS), nowMs),
    reachedMs: readBack(readNumber(json, 'reachedMs', MAX_TIME_MS), nowMs),
    ...nameOf({ ...readName(json, 'role'), ...readName(json, 'region') }),
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (err) {
    throw new CorruptEntryError('encoding', { cause: err })
  }
}

function readObject(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new CorruptEntryError(field)
  return Object.fromEntries(Object.entries(value))
}

function readRecord(value: unknown, maxAddresses: number): SignedAddresses | undefined {
  if (value === undefined) return undefined
  const record = readObject(value, 'record')
  const seq = readString(record, 'seq')
  if (!SEQ.test(seq)) throw new CorruptEntryError('seq')
  return { seq: BigInt(seq), addresses: mergeAddresses(readAddresses(record['addresses']), [], maxAddresses) }
}

function readAddresses(value: unknown): Multiaddr[] {
  if (!Array.isArray(value)) throw new CorruptEntryError('addresses')
  try {
    return value.map((address) => multiaddr(String(address)))
  } catch (err) {
    throw new CorruptEntryError('addresses', { cause: err })
  }
}

function readString(json: Readonly<Record<string, unknown>>, field: string): string {
  const value = json[field]
  if (typeof value !== 'string') throw new CorruptEntryError(field)
  return value
}

function readName(json: Readonly<Record<string, unknown>>, field: 'role' | 'region'): Record<string, string> {
  return json[field] === undefined ? {} : { [field]: readString(json, field) }
}

function readNumber(json: Readonly<Record<string, unknown>>, field: string, max: number): number {
  const value = json[field]
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) throw new CorruptEntryError(field)
  return value
}
