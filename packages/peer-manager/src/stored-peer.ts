import type { Hello } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { MAX_REPUTATION, MAX_TIME_MS } from './constants.ts'
import { CorruptRecordError } from './errors.ts'
import { asObject, type JsonObject, readNumber, readString, readStrings } from './json-fields.ts'
import { changeRecord, copyHello, type ManagedPeer, newRecord } from './record.ts'
import type { LedgerState } from './report-ledger.ts'
import { ledgerFromJson } from './stored-ledger.ts'
import { readBack } from './stored-time.ts'

/** A peer as it is stored. */
export interface StoredPeer {
  readonly record: ManagedPeer
  readonly ledger: LedgerState
}

/** Of the stored form; one that is not read is skipped as corrupt. */
const FORMAT_VERSION = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Traffic, health and links are of one run and not stored; credentials are no business of a disk. */
export function encodePeer({ record, ledger }: StoredPeer): Uint8Array {
  const { addresses, height, firstSeenMs, lastSeenMs, failures, reputation, provenReputation, scoredMs } = record
  const hello = record.hello === undefined ? undefined : withoutCredentials(record.hello)
  const { bannedUntilMs, banReason } = record
  const scores = { reputation, provenReputation, scoredMs }
  const json = { v: FORMAT_VERSION, addresses, height, firstSeenMs, lastSeenMs, failures, ...scores }
  return encoder.encode(JSON.stringify({ ...json, hello, bannedUntilMs, banReason, ledger }))
}

/**
 * Reads a stored peer back. Times that are too far ahead of the clock are taken as now, and a ban that is over is dropped.
 * @throws {CorruptRecordError} for bytes that `encodePeer` would not make
 */
export function decodePeer(id: PeerId, bytes: Uint8Array, nowMs: number): StoredPeer {
  const json = parse(bytes)
  if (json['v'] !== FORMAT_VERSION) throw new CorruptRecordError('version')
  const hello = json['hello'] === undefined ? {} : { hello: helloFromJson(asObject(json['hello'], 'hello')) }
  const lastSeenMs = readTime(json, 'lastSeenMs', nowMs)
  const record = changeRecord(newRecord(id, nowMs), {
    addresses: Object.freeze(readStrings(json, 'addresses')),
    height: readNumber(json, 'height', 0, Number.MAX_SAFE_INTEGER),
    firstSeenMs: readTime(json, 'firstSeenMs', nowMs),
    lastSeenMs,
    failures: readNumber(json, 'failures', 0, Number.MAX_SAFE_INTEGER),
    reputation: readNumber(json, 'reputation', -MAX_REPUTATION, MAX_REPUTATION),
    provenReputation: readNumber(json, 'provenReputation', -MAX_REPUTATION, 0),
    // Once a reputation stood for the moment at which its peer was last seen.
    scoredMs: json['scoredMs'] === undefined ? lastSeenMs : readTime(json, 'scoredMs', nowMs),
    ...hello,
    ...banFromJson(json, nowMs),
  })
  return { record, ledger: ledgerFromJson(asObject(json['ledger'], 'ledger')) }
}

function parse(bytes: Uint8Array): JsonObject {
  try {
    return asObject(JSON.parse(decoder.decode(bytes)), 'value')
  } catch (err) {
    throw new CorruptRecordError('encoding', { cause: err })
  }
}

function readTime(json: JsonObject, field: string, nowMs: number): number {
  return readBack(readNumber(json, field, 0, MAX_TIME_MS), nowMs)
}

function banFromJson(json: JsonObject, nowMs: number): Partial<ManagedPeer> {
  if (json['bannedUntilMs'] === undefined) return {}
  const bannedUntilMs = readNumber(json, 'bannedUntilMs', 0, MAX_TIME_MS)
  const banReason = readString(json, 'banReason')
  return bannedUntilMs > nowMs ? { state: 'banned', bannedUntilMs, banReason } : {}
}

function helloFromJson(json: JsonObject): Hello {
  const protocol = asObject(json['protocol'], 'protocol')
  return copyHello({
    protocol: { min: readCount(protocol, 'min'), max: readCount(protocol, 'max') },
    chainId: readString(json, 'chainId'),
    genesisHash: readString(json, 'genesisHash'),
    height: readCount(json, 'height'),
    tipHash: readString(json, 'tipHash'),
    role: readString(json, 'role'),
    region: readString(json, 'region'),
    capabilities: readStrings(json, 'capabilities'),
    listenAddresses: readStrings(json, 'listenAddresses'),
    userAgent: readString(json, 'userAgent'),
    timeMs: readNumber(json, 'timeMs', -MAX_TIME_MS, MAX_TIME_MS),
    ...quotaFromJson(json['quota']),
  })
}

function quotaFromJson(value: unknown): Pick<Hello, 'quota'> {
  if (value === undefined) return {}
  const json = asObject(value, 'quota')
  return {
    quota: {
      messagesPerSecond: readQuota(json, 'messagesPerSecond'),
      bytesPerSecond: readQuota(json, 'bytesPerSecond'),
    },
  }
}

function readCount(json: JsonObject, field: string): number {
  return readNumber(json, field, 0, Number.MAX_SAFE_INTEGER)
}

function readQuota(json: JsonObject, field: string): number {
  return readNumber(json, field, 0, Number.MAX_VALUE)
}

function withoutCredentials(hello: Hello): Omit<Hello, 'credentials'> {
  const { credentials: _, ...rest } = hello
  return rest
}
