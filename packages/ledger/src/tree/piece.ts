import { areEqual, compareBytes } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { sha256, sha256Into } from '../crypto/sha256.ts'
import { StateTreeError } from '../errors.ts'
import { BUCKETS, ENTRY_BYTES, FAN_OUT, LEAF, levelAbove, LEVELS } from './tree-hash.ts'

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
  return bucketOfHash(sha256(key))
}

/**
 * Finds what is wrong with a piece of the state under `root`; `undefined` where nothing is. A true piece of other buckets
 * is a true piece: whoever asked for some compares `first` and `count`.
 */
export function verifyPiece(root: Uint8Array, piece: Piece): PieceFault | undefined {
  const { first, count, entries, proof } = piece
  if (!isRange(first, count)) return 'wrong-range'
  if (proof.byteLength !== proofLength(first, count)) return 'wrong-proof-length'
  const hashes = bucketHashes(first, count, entries)
  if (typeof hashes === 'string') return hashes
  return areEqual(rootOver(hashes, piece), root) ? undefined : 'wrong-root'
}

/** The hashes of the buckets, or what is wrong with the entries that should be in them. */
function bucketHashes(first: number, count: number, entries: readonly Entry[]): Buffer | PieceFault {
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES)
  const lists = Buffer.allocUnsafe(count + entries.length * ENTRY_BYTES)
  const entry = Buffer.allocUnsafe(ENTRY_BYTES)
  let [bucket, start, end] = [0, 0, 1]
  lists[0] = LEAF
  const closeUntil = (next: number): void => {
    while (bucket < next) {
      sha256Into(hashes, bucket * HASH_BYTES, lists.subarray(start, end))
      bucket++
      start = end
      if (bucket < count) lists[end++] = LEAF
    }
  }
  for (const [key, value] of entries) {
    sha256Into(entry, 0, key)
    const own = entry.readUInt16BE() - first
    if (own < 0 || own >= count) return 'wrong-bucket'
    if (own < bucket) return 'wrong-order'
    closeUntil(own)
    const before = end - ENTRY_BYTES
    if (before > start && lists.compare(entry, 0, HASH_BYTES, before, before + HASH_BYTES) >= 0) return 'wrong-order'
    sha256Into(entry, HASH_BYTES, value)
    lists.set(entry, end)
    end += ENTRY_BYTES
  }
  closeUntil(count)
  return hashes
}

/** Cuts a piece out of the tree of `levels`. */
export function makePiece(levels: readonly Buffer[], first: number, count: number, read: EntryReader): Piece {
  if (!isRange(first, count))
    throw new RangeError(`${count} buckets from ${first} on are not all of 0 to ${BUCKETS - 1}`)
  const entries = Array.from(read(first, count), (entry) => ({ entry, keyHash: sha256(entry[0]) }))
    .toSorted((a, b) => compareBytes(a.keyHash, b.keyHash))
    .map(({ entry }) => entry)
  const parts = groupsOf(first, count).flatMap(({ from, start, end, to }, i) =>
    [[from, start] as const, [end, to] as const].map(
      ([a, b]) => levels[i]?.subarray(a * HASH_BYTES, b * HASH_BYTES) ?? Buffer.alloc(0),
    ),
  )
  const piece = { first, count, entries, proof: Buffer.concat(parts) }
  const fault = verifyPiece(levels[LEVELS] ?? Buffer.alloc(0), piece)
  if (fault === undefined) return piece
  throw new StateTreeError('wrong-reader', `the entries of ${count} buckets from ${first} on are others: ${fault}`)
}

/** How long the proof of a range is, in bytes. */
export function proofLength(first: number, count: number): number {
  const beside = groupsOf(first, count).map(({ from, start, end, to }) => start - from + to - end)
  return beside.reduce((sum, hashes) => sum + hashes, 0) * HASH_BYTES
}

export function isRange(first: number, count: number): boolean {
  return Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 1 && first + count <= BUCKETS
}

function bucketOfHash(keyHash: Uint8Array): number {
  return ((keyHash[0] ?? 0) << 8) | (keyHash[1] ?? 0)
}

/** On each level: what is known, `start` to `end`, and the whole nodes around it, `from` to `to`. */
function groupsOf(first: number, count: number): { from: number; start: number; end: number; to: number }[] {
  let [start, end] = [first, first + count]
  return Array.from({ length: LEVELS }, () => {
    const from = Math.floor(start / FAN_OUT) * FAN_OUT
    const to = Math.ceil(end / FAN_OUT) * FAN_OUT
    const group = { from, start, end, to }
    start = from / FAN_OUT
    end = to / FAN_OUT
    return group
  })
}

function rootOver(buckets: Uint8Array, { first, count, proof }: Piece): Uint8Array {
  let hashes = buckets
  let at = 0
  const take = (length: number): Uint8Array => proof.subarray(at, (at += length * HASH_BYTES))
  for (const { from, start, end, to } of groupsOf(first, count)) {
    hashes = levelAbove(Buffer.concat([take(start - from), hashes, take(to - end)]))
  }
  return hashes
}
