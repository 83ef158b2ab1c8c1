import type { ChainTip } from '@gridmesh/interfaces'
import { MAX_HASH_BYTES, MAX_HEIGHT } from '../constants.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** A hash in hex, behind its length. @throws {RangeError} for what is no hash */
export function writeHash(writer: ByteWriter, hash: string): void {
  if (!/^(?:[0-9a-f]{2})+$/.test(hash) || hash.length > 2 * MAX_HASH_BYTES) {
    throw new RangeError(`${hash.slice(0, 200)} must be 1 to ${MAX_HASH_BYTES} bytes in lower-case hex`)
  }
  const bytes = Buffer.from(hash, 'hex')
  writer.u8(bytes.byteLength).fixed(bytes)
}

export function readHash(reader: ByteReader): string {
  const length = reader.within(reader.u8(), 1, MAX_HASH_BYTES, 'bytes of a hash')
  const { buffer, byteOffset, byteLength } = reader.fixed(length)
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}

export function writeTip(writer: ByteWriter, { height, hash }: ChainTip): void {
  writeHash(writer.integer(height), hash)
}

export function readTip(reader: ByteReader): ChainTip {
  return { height: readHeight(reader), hash: readHash(reader) }
}

export function readHeight(reader: ByteReader): number {
  return reader.within(reader.integer(), 0, MAX_HEIGHT, 'height')
}
