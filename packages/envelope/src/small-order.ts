import { bytesKey } from './bytes.ts'
import { PUBLIC_KEY_BYTES } from './constants.ts'

/** Every encoding of a point of small order on edwards25519, without the sign bit: the list of libsodium. */
const ENCODINGS: ReadonlySet<string> = new Set(
  [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ].map((hex) => bytesKey(Buffer.from(hex, 'hex'))),
)
const FIRST_BYTES: ReadonlySet<number> = new Set([...ENCODINGS].map((encoding) => encoding.charCodeAt(0)))

/**
 * Whether the point that `bytes` starts with has small order. Anybody can sign for such a key. libsodium refuses it and
 * OpenSSL does not, and a signature that holds for some nodes only would have honest ones blamed for passing it on.
 */
export function hasSmallOrder(bytes: Uint8Array): boolean {
  if (!FIRST_BYTES.has(bytes[0] ?? 0)) return false
  const point = new Uint8Array(bytes.subarray(0, PUBLIC_KEY_BYTES))
  point[PUBLIC_KEY_BYTES - 1] = (point[PUBLIC_KEY_BYTES - 1] ?? 0) & 0x7f
  return ENCODINGS.has(bytesKey(point))
}
