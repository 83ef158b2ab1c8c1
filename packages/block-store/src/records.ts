import { crc32 } from 'node:zlib'
import { HASH_BYTES } from './constants.ts'
import { CorruptStoreError } from './errors.ts'
import type { StoredHeader } from './index.ts'

const CHECKSUM_BYTES = 4

/** A value with its checksum behind it. LevelDB has its own, and does not look at them when it reads a table. */
export function seal(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const record = Buffer.allocUnsafe(length + CHECKSUM_BYTES)
  let at = 0
  let checksum = 0
  for (const part of parts) {
    record.set(part, at)
    checksum = crc32(part, checksum)
    at += part.length
  }
  record.writeUInt32BE(checksum, length)
  return record
}

const number = Buffer.alloc(8)

/** `seal` of `encodeNumber`, of which a block has one for each transaction. */
export function sealNumber(value: number): Uint8Array {
  const record = Buffer.allocUnsafe(number.length + CHECKSUM_BYTES)
  number.writeDoubleBE(value)
  record.set(number)
  record.writeUInt32BE(crc32(number), number.length)
  return record
}

/** The value of a sealed record, a view of it. @throws {CorruptStoreError} */
export function unseal(record: Uint8Array, name: string): Uint8Array {
  const length = record.length - CHECKSUM_BYTES
  if (length < 0) throw new CorruptStoreError(name, 'malformed')
  const value = record.subarray(0, length)
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  if (view.getUint32(length) !== crc32(value)) throw new CorruptStoreError(name, 'checksum')
  return value
}

/** A whole number below 2^53 in eight bytes. */
export function encodeNumber(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  return bytes
}

/** @throws {CorruptStoreError} */
export function decodeNumber(bytes: Uint8Array, name: string): number {
  if (bytes.length !== 8) throw new CorruptStoreError(name, 'malformed')
  return Buffer.from(bytes).readDoubleBE()
}

/** @throws {CorruptStoreError} */
export function decodeHeader(record: Uint8Array, height: number): StoredHeader {
  const name = `header ${height}`
  const bytes = unseal(record, name)
  if (bytes.length < 2 * HASH_BYTES) throw new CorruptStoreError(name, 'malformed')
  return {
    height,
    hash: bytes.subarray(0, HASH_BYTES),
    parent: bytes.subarray(HASH_BYTES, 2 * HASH_BYTES),
    header: bytes.subarray(2 * HASH_BYTES),
  }
}

/** The ids of a block's transactions, one after the other. @throws {CorruptStoreError} */
export function decodeIds(record: Uint8Array, height: number): Uint8Array[] {
  const name = `transactions of block ${height}`
  const bytes = unseal(record, name)
  if (bytes.length % HASH_BYTES !== 0) throw new CorruptStoreError(name, 'malformed')
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
}
