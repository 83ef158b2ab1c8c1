import nodeZlib from 'node:zlib'
import { asBytes } from './bytes.ts'
import { MAX_PACKED_SHARE, ZSTD_LEVEL, ZSTD_MAX_WINDOW_LOG } from './constants.ts'
import { CorruptPayloadError, InflationLimitError, UnsupportedCompressionError } from './errors.ts'

/** Ids of compression methods on the wire. */
export const COMPRESSION = { none: 0, zstd: 1 } as const

/** The part of `node:zlib` that is used. Before Node.js 22.15 the two functions are missing. */
export interface ZstdLibrary {
  zstdCompressSync?: (payload: Uint8Array, options: ZstdOptions) => Uint8Array
  zstdDecompressSync?: (payload: Uint8Array, options: ZstdOptions & { maxOutputLength: number }) => Uint8Array
}

interface ZstdOptions {
  /** By the number of the parameter. */
  params: Record<number, number>
}

/** When a payload is compressed. */
export interface CompressLimits {
  /** Payloads of this many bytes or fewer stay as they are. */
  compressAboveBytes: number
  /** A payload that would inflate by a greater factor stays as it is, since openers would refuse it. */
  maxRatio: number
}

/** How far a payload may inflate. */
export interface InflateLimits {
  /** In bytes. */
  maxBytes: number
  /** Inflated bytes per compressed byte. */
  maxRatio: number
}

/** A payload as it is sent. */
export interface Compressed {
  compression: number
  /** 0 where not compressed. */
  inflatedBytes: number
  payload: Uint8Array
}

/** Compresses `payload` with zstd where this Node.js has it and that saves an eighth of the bytes. */
export function compress(payload: Uint8Array, limits: CompressLimits, library: ZstdLibrary = nodeZlib): Compressed {
  const plain = { compression: COMPRESSION.none, inflatedBytes: 0, payload }
  const size = payload.byteLength
  if (size <= limits.compressAboveBytes || library.zstdCompressSync === undefined) return plain

  const params = { [nodeZlib.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }
  const packed = library.zstdCompressSync(payload, { params })
  if (packed.byteLength > size * MAX_PACKED_SHARE || size > packed.byteLength * limits.maxRatio) return plain
  return { compression: COMPRESSION.zstd, inflatedBytes: size, payload: packed }
}

/**
 * Undoes `compress`. The declared length is checked before anything is inflated, and bounds what is.
 *
 * @throws {UnsupportedCompressionError} when the method is unknown, or this Node.js lacks it
 * @throws {InflationLimitError} when the payload declares more than the limits allow, or inflates to more than declared
 * @throws {CorruptPayloadError} when it does not inflate, or to less than declared
 */
export function inflate(packed: Compressed, limits: InflateLimits, library: ZstdLibrary = nodeZlib): Uint8Array {
  const { compression, inflatedBytes, payload } = packed
  if (compression === COMPRESSION.none) return payload
  if (compression !== COMPRESSION.zstd || library.zstdDecompressSync === undefined) {
    throw new UnsupportedCompressionError(compression)
  }
  if (inflatedBytes > limits.maxBytes) throw new InflationLimitError('maxBytes', limits.maxBytes)
  if (inflatedBytes > payload.byteLength * limits.maxRatio) throw new InflationLimitError('maxRatio', limits.maxRatio)

  const inflated = run(library.zstdDecompressSync, payload, inflatedBytes)
  if (inflated.byteLength !== inflatedBytes) {
    throw new CorruptPayloadError(`${inflated.byteLength} bytes where ${inflatedBytes} were declared`)
  }
  return asBytes(inflated)
}

function run(
  decompress: NonNullable<ZstdLibrary['zstdDecompressSync']>,
  payload: Uint8Array,
  maxOutputLength: number,
): Uint8Array {
  // A frame names the window its reader must allocate: unchecked, a few bytes would cost the reader 128 MiB.
  const params = { [nodeZlib.constants.ZSTD_d_windowLogMax]: ZSTD_MAX_WINDOW_LOG }
  try {
    return decompress(payload, { maxOutputLength, params })
  } catch (err) {
    if (isTooLarge(err)) throw new InflationLimitError('inflatedBytes', maxOutputLength, { cause: err })
    throw new CorruptPayloadError('it does not inflate', { cause: err })
  }
}

function isTooLarge(err: unknown): boolean {
  return err instanceof Error && 'code' in err && err.code === 'ERR_BUFFER_TOO_LARGE'
}
