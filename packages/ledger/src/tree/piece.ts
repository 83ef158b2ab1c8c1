import { sha256 } from '../crypto/sha256.ts'
import { readPiece } from './read-piece.ts'

/** An entry of the state. */
export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Reads all entries of a state whose key is in one of `count` buckets from `first` on, in any order. */
export type EntryReader = (first: number, count: number) => Iterable<Entry>

/** All entries of a range of buckets, provable against the root of the state by itself. */
export interface Piece {
  /** The first bucket. */
  first: number
  /** Buckets, 1 or more. */
  count: number
  /** By the hash of their key, ascending. */
  entries: readonly Entry[]
  /** The hashes beside the range, level by level from below: those before it, then those behind it. */
  proof: Uint8Array
}

/** Why a piece is refused. */
export type PieceFault = 'wrong-range' | 'wrong-bucket' | 'wrong-order' | 'wrong-proof-length' | 'wrong-root'

/** The bucket that an entry of the state falls into, by the first two bytes of the hash of its key. */
export function bucketOf(key: Uint8Array): number {
  const [high = 0, low = 0] = sha256(key)
  return (high << 8) | low
}

/**
 * Finds what is wrong with a piece of the state under `root`; `undefined` where nothing is. A true piece of other buckets
 * is a true piece: whoever asked for some compares `first` and `count`.
 */
export function verifyPiece(root: Uint8Array, piece: Piece): PieceFault | undefined {
  const read = readPiece(root, piece)
  return typeof read === 'string' ? read : undefined
}
