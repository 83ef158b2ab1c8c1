import { copyBytes } from '../buffers.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { sha256 } from '../crypto/sha256.ts'

/** Before what a leaf hashes, so that no leaf can be passed off as a node (RFC 6962). */
export const LEAF = 0
export const NODE = 1

/** An entry in a bucket: the hash of its key and that of its value. */
export const ENTRY_BYTES = 2 * HASH_BYTES
/**
 * Children of a node. The changes of a full block touch 10,000 buckets and more: with two children a node, 36,000 nodes
 * would be hashed for them, with sixteen it is 4,000 larger ones, in a third of the time.
 */
export const FAN_OUT = 16
/** Levels above the buckets; the last is the root alone. */
export const LEVELS = 4

/**
 * Entries of a list at most. A longer one is a node of four, by the next two bits of the hash of the key, and so on: what
 * a change costs does not grow with the state, nor for keys that somebody made to crowd into a bucket.
 */
export const LIST_ENTRIES = 32
export const QUARTERS = 4
/** Nodes below a bucket, one below the other: a list at 32 bits of the hash has no limit, and nobody who fills it. */
export const DEPTHS = 8

/** The hashes below a node of four. */
export const QUARTERS_BYTES = QUARTERS * HASH_BYTES

let quarters: Buffer | undefined

/** The hashes of four empty lists. */
export function emptyQuarters(): Buffer {
  quarters ??= Buffer.alloc(QUARTERS_BYTES, sha256(Uint8Array.of(LEAF)))
  return quarters
}

const GROUP_BYTES = FAN_OUT * HASH_BYTES
const node = Buffer.alloc(1 + GROUP_BYTES, NODE)

/** Hashes the nodes above `hashes`, which begin at a node's first child and end at one's last. */
export function levelAbove(hashes: Uint8Array): Buffer {
  const above = Buffer.allocUnsafeSlow(hashes.byteLength / FAN_OUT)
  const batch = new HashBatch(above)
  for (let at = 0; at < hashes.byteLength; at += GROUP_BYTES) {
    node.set(hashes.subarray(at, at + GROUP_BYTES), 1)
    batch.add(at / FAN_OUT, node)
  }
  batch.finish()
  return above
}

/** Some places of a level, ascending, each with a new hash. */
export interface DirtyHashes {
  places: Uint32Array
  hashes: Buffer
}

/** What a level is to become above the `dirty` places of `level`. */
export function dirtyAbove(level: Buffer, { places, hashes }: DirtyHashes): DirtyHashes {
  const above = { places: new Uint32Array(places.length), hashes: Buffer.allocUnsafeSlow(hashes.byteLength) }
  const batch = new HashBatch(above.hashes)
  let count = 0
  let current = -1
  const finish = (): void => {
    above.places[count] = current
    batch.add(count * HASH_BYTES, node)
    count++
  }
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? 0
    const parent = Math.floor(place / FAN_OUT)
    if (parent !== current) {
      if (current !== -1) finish()
      current = parent
      level.copy(node, 1, parent * GROUP_BYTES, (parent + 1) * GROUP_BYTES)
    }
    copyBytes(hashes, i * HASH_BYTES, (i + 1) * HASH_BYTES, node, 1 + (place % FAN_OUT) * HASH_BYTES)
  }
  if (current !== -1) finish()
  batch.finish()
  return { places: above.places.subarray(0, count), hashes: above.hashes.subarray(0, count * HASH_BYTES) }
}
