import { HASH_BYTES } from '../constants.ts'
import { sha256, sha256Into } from '../crypto/sha256.ts'

const LEAF = Buffer.alloc(1 + HASH_BYTES, 0)
const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** The root of the Merkle tree after RFC 6962, section 2.1, whose leaves are the ids of transactions. */
export function txRoot(ids: readonly Uint8Array[]): Uint8Array {
  if (ids.length === 0) return sha256(new Uint8Array(0))
  const hashes = Buffer.allocUnsafeSlow(ids.length * HASH_BYTES)
  for (const [i, id] of ids.entries()) {
    LEAF.set(id, 1)
    sha256Into(hashes, i * HASH_BYTES, LEAF)
  }
  for (let count = ids.length; count > 1; count = Math.ceil(count / 2)) hashPairs(hashes, count)
  return Buffer.from(hashes.subarray(0, HASH_BYTES))
}

/** Replaces the first `count` hashes by those of their pairs; a last one without a pair moves up as it is. */
function hashPairs(hashes: Buffer, count: number): void {
  for (let i = 0; i < count; i += 2) {
    const at = i * HASH_BYTES
    if (i + 1 === count) hashes.copy(hashes, at / 2, at, at + HASH_BYTES)
    else {
      hashes.copy(NODE, 1, at, at + 2 * HASH_BYTES)
      sha256Into(hashes, at / 2, NODE)
    }
  }
}
