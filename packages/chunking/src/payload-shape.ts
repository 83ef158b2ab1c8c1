import {
  DEFAULT_CHUNK_BYTES,
  DEFAULT_MAX_TOTAL_BYTES,
  HARD_MAX_TOTAL_BYTES,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
} from './constants.ts'
import { InvalidManifestError, PayloadTooLargeError } from './errors.ts'
import { HASH_BYTES } from './merkle-tree.ts'

/** What a receiver must know and trust of a payload before it takes chunks. */
export interface PayloadManifest {
  /** Root of the Merkle tree over the chunks, 32 bytes. */
  readonly root: Uint8Array
  readonly totalBytes: number
  /** Length of every chunk but the last, which may be shorter. */
  readonly chunkBytes: number
}

/** Number of chunks of a payload. */
export function chunkCountOf({ totalBytes, chunkBytes }: Omit<PayloadManifest, 'root'>): number {
  return Math.ceil(totalBytes / chunkBytes)
}

/** Length of chunk `index`, which must be one of the payload's. */
export function chunkLengthOf({ totalBytes, chunkBytes }: Omit<PayloadManifest, 'root'>, index: number): number {
  return Math.min(chunkBytes, totalBytes - index * chunkBytes)
}

/** Applies the default. @throws {RangeError} when the option makes no sense */
export function checkMaxTotalBytes(maxTotalBytes: number = DEFAULT_MAX_TOTAL_BYTES): number {
  if (maxTotalBytes >= 0 && maxTotalBytes <= HARD_MAX_TOTAL_BYTES) return maxTotalBytes
  throw new RangeError(`maxTotalBytes ${maxTotalBytes} is outside 0 to ${HARD_MAX_TOTAL_BYTES}`)
}

/** Applies the default. @throws {RangeError} when the option makes no sense */
export function checkChunkBytes(chunkBytes: number = DEFAULT_CHUNK_BYTES): number {
  if (isChunkBytes(chunkBytes)) return chunkBytes
  throw new RangeError(`chunkBytes ${chunkBytes} must be a whole number, ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}`)
}

/** @throws {PayloadTooLargeError} */
export function checkTotalBytes(totalBytes: number, maxTotalBytes: number): void {
  if (totalBytes > maxTotalBytes) throw new PayloadTooLargeError(totalBytes, maxTotalBytes)
}

/** Checks what a peer may have made up. @throws {InvalidManifestError} @throws {PayloadTooLargeError} */
export function checkManifest({ root, totalBytes, chunkBytes }: PayloadManifest, maxTotalBytes: number): void {
  if (root.byteLength !== HASH_BYTES) throw new InvalidManifestError('root', root.byteLength, `${HASH_BYTES} bytes`)
  if (!(Number.isInteger(totalBytes) && totalBytes >= 0)) {
    throw new InvalidManifestError('totalBytes', totalBytes, 'a whole number, 0 or more')
  }
  if (!isChunkBytes(chunkBytes)) {
    throw new InvalidManifestError('chunkBytes', chunkBytes, `${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}`)
  }
  checkTotalBytes(totalBytes, maxTotalBytes)
}

function isChunkBytes(chunkBytes: number): boolean {
  return Number.isInteger(chunkBytes) && chunkBytes >= MIN_CHUNK_BYTES && chunkBytes <= MAX_CHUNK_BYTES
}
