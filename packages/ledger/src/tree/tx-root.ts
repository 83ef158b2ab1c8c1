import { copyBytes } from '../buffers.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { sha256 } from '../crypto/sha256.ts'

const LEAF = Buffer.alloc(1 + HASH_BYTES, 0)
const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** The root of the Merkle tree after RFC 6962, section 2.1, whose leaves are the ids of transactions. */
export function txRoot(ids: readonly Uint8Array[]): Uint8Array {
  if (ids.length === 0) return sha256(new Uint8Array(0))
  let hashes = leavesOf(ids)
  while (hashes.byteLength > HASH_BYTES) hashes = pairsOf(hashes)
  return hashes
}

function leavesOf(ids: readonly Uint8Array[]): Buffer {
  const hashes = Buffer.allocUnsafeSlow(ids.length * HASH_BYTES)
  const batch = new HashBatch(hashes)
  let at = 0
  for (const id of ids) {
    LEAF.set(id, 1)
    batch.add(at, LEAF)
    at += HASH_BYTES
  }
  batch.finish()
  return hashes
}

/** The hashes of pairs of hashes; a last one without a pair moves up as it is. */
function pairsOf(hashes: Buffer): Buffer {
  const count = hashes.byteLength / HASH_BYTES
  const above = Buffer.allocUnsafeSlow(Math.ceil(count / 2) * HASH_BYTES)
  const batch = new HashBatch(above)
  for (let i = 0; i + 1 < count; i += 2) {
    const at = i * HASH_BYTES
    copyBytes(hashes, at, at + 2 * HASH_BYTES, NODE, 1)
    batch.add(at / 2, NODE)
  }
  batch.finish()
  if (count % 2 === 1) hashes.copy(above, above.byteLength - HASH_BYTES, hashes.byteLength - HASH_BYTES)
  return above
}
