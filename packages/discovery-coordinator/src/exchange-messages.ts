import { reader, writer, type Reader } from 'protons-runtime'
import { PeerExchangeError } from './errors.ts'

// Written by hand on protons' reader and writer: what protons generates from pb/peer-exchange.proto is namespaces,
// which plain type stripping cannot erase. The bytes are the same.

const LIMIT_TAG = 8
const RECORDS_TAG = 10

/** Limits of a reply. */
export interface ReplyLimits {
  maxRecords: number
  maxRecordBytes: number
}

export function encodeRequest(limit: number): Uint8Array {
  const w = writer()
  if (limit !== 0) w.uint32(LIMIT_TAG).uint32(limit)
  return w.finish()
}

/** @throws {PeerExchangeError} for bytes that are no request */
export function decodeRequest(bytes: Uint8Array): number {
  let limit = 0
  readFields(bytes, LIMIT_TAG, (r) => (limit = r.uint32()))
  return limit
}

export function encodeReply(records: readonly Uint8Array[]): Uint8Array {
  const w = writer()
  for (const record of records) w.uint32(RECORDS_TAG).bytes(record)
  return w.finish()
}

/** @throws {PeerExchangeError} for bytes that are no reply, or one beyond its limits */
export function decodeReply(bytes: Uint8Array, { maxRecords, maxRecordBytes }: ReplyLimits): Uint8Array[] {
  const records: Uint8Array[] = []
  readFields(bytes, RECORDS_TAG, (r) => {
    if (records.length === maxRecords) throw new PeerExchangeError('oversized', `more than ${maxRecords} records came`)
    const record = r.bytes()
    if (record.byteLength > maxRecordBytes) {
      throw new PeerExchangeError('oversized', `a record has ${record.byteLength} bytes, not ${maxRecordBytes}`)
    }
    records.push(record)
  })
  return records
}

/** The length a record takes in a reply. */
export function sizeInReply(record: Uint8Array): number {
  let prefix = 1
  for (let rest = record.byteLength; rest >= 0x80; rest >>>= 7) prefix++
  return 1 + prefix + record.byteLength
}

/** Reads the fields with `tag`; others are skipped, as protobuf asks of an older version. */
function readFields(bytes: Uint8Array, tag: number, read: (r: Reader) => void): void {
  try {
    const r = reader(bytes)
    while (r.pos < r.len) {
      const found = r.uint32()
      if (found === tag) read(r)
      else r.skipType(found & 7)
    }
  } catch (err) {
    if (err instanceof PeerExchangeError) throw err
    throw new PeerExchangeError('malformed', 'the bytes are no protobuf message', { cause: err })
  }
}
