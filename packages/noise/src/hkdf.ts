import type { NoiseCrypto } from './crypto.ts'

const ONE = Uint8Array.of(1)

/** HKDF with two outputs, as Noise §4.3 has it. */
export function hkdf(
  crypto: NoiseCrypto,
  chainingKey: Uint8Array,
  keyMaterial: Uint8Array,
): [first: Uint8Array, second: Uint8Array] {
  const temporary = crypto.hmacSha256(chainingKey, keyMaterial)
  const first = crypto.hmacSha256(temporary, ONE)
  const chained = new Uint8Array(first.length + 1)
  chained.set(first)
  chained[first.length] = 2
  const second = crypto.hmacSha256(temporary, chained)
  crypto.wipe(temporary)
  crypto.wipe(chained)
  return [first, second]
}
