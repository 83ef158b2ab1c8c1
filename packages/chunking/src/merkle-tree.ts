import { createHash } from 'node:crypto'

/** Length of a SHA-256 hash, in bytes. */
export const HASH_BYTES = 32

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Hashes the bytes of a leaf, under a prefix of their own, so that no leaf can be passed off as a node. */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return sha256(LEAF, bytes)
}

/** How long the audit path of leaf `index` in a tree of `size` leaves is, in hashes. */
export function pathLength(index: number, size: number): number {
  let length = 0
  for (let at = index, last = size - 1; last > 0; at >>>= 1, last >>>= 1) if (hasSibling(at, last)) length += 1
  return length
}

/**
 * The root that leaf `index` of `size` has by its audit path, hash after hash and the lowest first.
 * The path must have the length that `pathLength` says.
 */
export function rootOfPath(leaf: Uint8Array, index: number, size: number, path: Uint8Array): Uint8Array {
  let hash = leaf
  let taken = 0
  for (let at = index, last = size - 1; last > 0; at >>>= 1, last >>>= 1) {
    if (!hasSibling(at, last)) continue
    const sibling = path.subarray(taken, (taken += HASH_BYTES))
    hash = at % 2 === 1 ? sha256(NODE, sibling, hash) : sha256(NODE, hash, sibling)
  }
  return hash
}

/** Where a level has an odd number of nodes, its last one moves up as it is. */
function hasSibling(at: number, last: number): boolean {
  return at % 2 === 1 || at < last
}

/** A Merkle tree after RFC 6962, section 2.1. It keeps every level, so that a path is looked up and not computed. */
export class MerkleTree {
  /** Number of leaves. */
  readonly size: number
  readonly root: Uint8Array
  /** The leaves, then each level above, without the root; hash after hash. */
  readonly #levels: Uint8Array[] = []

  /** Builds the tree over leaf hashes, one after the other in one array, which is kept. @throws {RangeError} */
  constructor(leaves: Uint8Array) {
    if (leaves.byteLength % HASH_BYTES !== 0) {
      throw new RangeError(`${leaves.byteLength} bytes of leaf hashes are no multiple of ${HASH_BYTES}`)
    }
    this.size = leaves.byteLength / HASH_BYTES
    let level = leaves
    while (level.byteLength > HASH_BYTES) {
      this.#levels.push(level)
      level = levelAbove(level)
    }
    this.root = this.size === 0 ? Uint8Array.from(sha256()) : level
  }

  /** The audit path of leaf `index`: its hashes one after the other, the lowest first. @throws {RangeError} */
  path(index: number): Uint8Array {
    if (!(Number.isInteger(index) && index >= 0 && index < this.size)) {
      throw new RangeError(`leaf ${index} must be 0 to ${this.size - 1}`)
    }
    const path = new Uint8Array(pathLength(index, this.size) * HASH_BYTES)
    let at = index
    let length = 0
    for (const level of this.#levels) {
      if (hasSibling(at, level.byteLength / HASH_BYTES - 1)) {
        const sibling = (at ^ 1) * HASH_BYTES
        path.set(level.subarray(sibling, sibling + HASH_BYTES), length)
        length += HASH_BYTES
      }
      at >>>= 1
    }
    return path
  }
}

function levelAbove(level: Uint8Array): Uint8Array {
  const above = new Uint8Array(Math.ceil(level.byteLength / HASH_BYTES / 2) * HASH_BYTES)
  for (let at = 0; at < level.byteLength; at += 2 * HASH_BYTES) {
    const pair = level.subarray(at, at + 2 * HASH_BYTES)
    const isPair = pair.byteLength === 2 * HASH_BYTES
    above.set(isPair ? sha256(NODE, pair) : pair, at / 2)
  }
  return above
}
