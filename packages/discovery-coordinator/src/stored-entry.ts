import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type BookEntry, mergeAddresses, nameOf } from './book-entry.ts'
import { MAX_TIME_MS } from './constants.ts'
import { CorruptEntryError } from './errors.ts'
import { readBack } from './stored-time.ts'

/** Of the stored form. */
const FORMAT_VERSION = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEntry(entry: BookEntry): Uint8Array {
  const { table, role, region, group, failures, addedMs, reachedMs } = entry
  const addresses = entry.addresses.map(String)
  const json = { v: FORMAT_VERSION, table, addresses, role, region, group, failures, addedMs, reachedMs }
  return encoder.encode(JSON.stringify(json))
}

/**
 * Reads a stored entry back. Times that are too far ahead of the clock are taken as now.
 * @throws {CorruptEntryError} for bytes that `encodeEntry` would not make
 */
export function decodeEntry(id: PeerId, bytes: Uint8Array, maxAddresses: number): BookEntry {
  const json = parse(bytes)
  if (json['v'] !== FORMAT_VERSION) throw new CorruptEntryError('version')
  const table = readString(json, 'table')
  if (table !== 'new' && table !== 'tried') throw new CorruptEntryError('table')
  const addresses = mergeAddresses(readAddresses(json['addresses']), [], maxAddresses)
  if (addresses.length === 0) throw new CorruptEntryError('addresses')
  const nowMs = Date.now()
  return {
    id,
    table,
    addresses,
    group: readString(json, 'group'),
    failures: readNumber(json, 'failures', Number.MAX_SAFE_INTEGER),
    addedMs: readBack(readNumber(json, 'addedMs', MAX_TIME_MS), nowMs),
    reachedMs: readBack(readNumber(json, 'reachedMs', MAX_TIME_MS), nowMs),
    ...nameOf({ ...readName(json, 'role'), ...readName(json, 'region') }),
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(decoder.decode(bytes))
    if (typeof json === 'object' && json !== null) return Object.fromEntries(Object.entries(json))
  } catch (err) {
    throw new CorruptEntryError('encoding', { cause: err })
  }
  throw new CorruptEntryError('value')
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
