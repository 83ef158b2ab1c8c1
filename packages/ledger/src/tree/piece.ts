import { areEqual, asBuffer } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { sha256 } from '../crypto/sha256.ts'
import { StateTreeError } from '../errors.ts'
import { BucketEdits } from './bucket-edits.ts'
import { ListWriter } from './list-writer.ts'
import { BUCKETS, ENTRY_BYTES, FAN_OUT, levelAbove, LEVELS } from './tree-hash.ts'

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
  const read = readPiece(root, piece)
  return typeof read === 'string' ? read : undefined
}

/** What a piece of the state under `root` puts into its buckets, or what is wrong with it. */
export function readPiece(root: Uint8Array, piece: Piece): BucketEdits | PieceFault {
  const { first, count, entries, proof } = piece
  if (!isRange(first, count)) return 'wrong-range'
  if (proof.byteLength !== proofLength(first, count)) return 'wrong-proof-length'
  const edits = bucketsOf(first, count, hashEntries(entries))
  if (typeof edits === 'string') return edits
  return areEqual(rootOver(edits.dirty.hashes, piece), root) ? edits : 'wrong-root'
}

/** The hashes of each key and of its value, one entry after the other. */
function hashEntries(entries: readonly Entry[]): Buffer {
  const rows = Buffer.allocUnsafeSlow(entries.length * ENTRY_BYTES)
  const batch = new HashBatch(rows)
  let at = 0
  for (const [key, value] of entries) {
    batch.add(at, asBuffer(key))
    batch.add(at + HASH_BYTES, asBuffer(value))
    at += ENTRY_BYTES
  }
  batch.finish()
  return rows
}

/** All the buckets with their hashes, or what is wrong with the entries that should be in them. */
function bucketsOf(first: number, count: number, rows: Buffer): BucketEdits | PieceFault {
  const writer = new ListWriter(rows, count + rows.byteLength)
  const edits = new BucketEdits(writer)
  let at = 0
  for (let bucket = first; bucket < first + count; bucket++) {
    const [start, from] = [writer.begin(), at]
    for (; at < rows.byteLength && rows.readUInt16BE(at) === bucket; at += ENTRY_BYTES) {
      if (at > 0 && compareKeys(rows, at - ENTRY_BYTES, at) >= 0) return 'wrong-order'
    }
    writer.append(rows, from, at)
    edits.addList(bucket, 0, start)
  }
  // One that is in none of them, or behind one of a later bucket.
  if (at < rows.byteLength) return isIn(rows.readUInt16BE(at), first, count) ? 'wrong-order' : 'wrong-bucket'
  edits.hash()
  return edits
}

function isIn(bucket: number, first: number, count: number): boolean {
  return bucket >= first && bucket < first + count
}

function compareKeys(rows: Buffer, one: number, other: number): number {
  return rows.compare(rows, other, other + HASH_BYTES, one, one + HASH_BYTES)
}

/** Cuts a piece out of the tree of `levels`. */
export function makePiece(levels: readonly Buffer[], first: number, count: number, read: EntryReader): Piece {
  if (!isRange(first, count))
    throw new RangeError(`${count} buckets from ${first} on are not all of 0 to ${BUCKETS - 1}`)
  const entries = inOrder([...read(first, count)])
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

/** By the hash of their key, ascending. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const rows = hashEntries(entries)
  return entries
    .map((entry, i) => ({ entry, at: i * ENTRY_BYTES }))
    .toSorted((a, b) => compareKeys(rows, a.at, b.at))
    .map(({ entry }) => entry)
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
