import type { Hello } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { MAX_REPUTATION } from './constants.ts'
import { CorruptRecordError } from './errors.ts'
import { asObject, type JsonObject, readNumber, readString, readStrings, readTime } from './json-fields.ts'
import { changeRecord, type ManagedPeer, newRecord, rememberedHello } from './record.ts'
import { type LedgerState, movedLedger } from './report-ledger.ts'
import { ledgerFromJson } from './stored-ledger.ts'
import { correctionMs, movedTime } from './stored-time.ts'

/** A peer as it is stored. */
export interface StoredPeer {
  readonly record: ManagedPeer
  readonly ledger: LedgerState
}

/** A peer as it was read back. */
export interface RestoredPeer extends StoredPeer {
  /** Time between its writing and now by the calendar, in ms, believable or not. */
  readonly awayMs: number
}

/** Of the stored form; one that is not read is skipped as corrupt. */
const FORMAT_VERSION = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Traffic, health, links and what was offered over them are of one run; credentials are no business of a disk. */
export function encodePeer({ record, ledger }: StoredPeer, savedMs: number): Uint8Array {
  const { addresses, height, firstSeenMs, lastSeenMs, failures, reputation, provenReputation, scoredMs } = record
  const hello = record.hello === undefined ? undefined : rememberedHello(record.hello)
  const { bannedUntilMs, banReason } = record
  const scores = { reputation, provenReputation, scoredMs }
  const json = { v: FORMAT_VERSION, savedMs, addresses, height, firstSeenMs, lastSeenMs, failures, ...scores }
  return encoder.encode(JSON.stringify({ ...json, hello, bannedUntilMs, banReason, ledger }))
}

/**
 * Reads a stored peer back. The time since it was written counts where the clock can be right, and a ban that is over by
 * then is dropped.
 * @throws {CorruptRecordError} for bytes that `encodePeer` would not make
 */
export function decodePeer(id: PeerId, bytes: Uint8Array, nowMs: number): RestoredPeer {
  const json = parse(bytes)
  if (json['v'] !== FORMAT_VERSION) throw new CorruptRecordError('version')
  const hello = json['hello'] === undefined ? {} : { hello: helloFromJson(asObject(json['hello'], 'hello')) }
  const lastSeenMs = readTime(json, 'lastSeenMs')
  // Once neither was stored: a value was of the moment at which its peer was last seen.
  const savedMs = json['savedMs'] === undefined ? lastSeenMs : readTime(json, 'savedMs')
  const scoredMs = json['scoredMs'] === undefined ? lastSeenMs : readTime(json, 'scoredMs')
  const awayMs = nowMs - savedMs
  const byMs = correctionMs(awayMs)
  const record = changeRecord(newRecord(id, nowMs), {
    addresses: Object.freeze(readStrings(json, 'addresses')),
    height: readNumber(json, 'height', 0, Number.MAX_SAFE_INTEGER),
    firstSeenMs: movedTime(readTime(json, 'firstSeenMs'), byMs),
    lastSeenMs: movedTime(lastSeenMs, byMs),
    failures: readNumber(json, 'failures', 0, Number.MAX_SAFE_INTEGER),
    reputation: readNumber(json, 'reputation', -MAX_REPUTATION, MAX_REPUTATION),
    provenReputation: readNumber(json, 'provenReputation', -MAX_REPUTATION, 0),
    scoredMs: movedTime(scoredMs, byMs),
    ...hello,
    ...banFromJson(json, byMs, nowMs),
  })
  return { awayMs, record, ledger: movedLedger(ledgerFromJson(asObject(json['ledger'], 'ledger')), byMs) }
}

function parse(bytes: Uint8Array): JsonObject {
  try {
    return asObject(JSON.parse(decoder.decode(bytes)), 'value')
  } catch (err) {
    throw new CorruptRecordError('encoding', { cause: err })
  }
}

function banFromJson(json: JsonObject, byMs: number, nowMs: number): Partial<ManagedPeer> {
  if (json['bannedUntilMs'] === undefined) return {}
  const bannedUntilMs = movedTime(readTime(json, 'bannedUntilMs'), byMs)
  const banReason = readString(json, 'banReason')
  return bannedUntilMs > nowMs ? { state: 'banned', bannedUntilMs, banReason } : {}
}

function helloFromJson(json: JsonObject): Hello {
  const protocol = asObject(json['protocol'], 'protocol')
  return rememberedHello({
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
    timeMs: readTime(json, 'timeMs'),
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
