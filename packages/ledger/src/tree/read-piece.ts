import { asBuffer } from '../buffers.ts'
import { areEqual } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { HashBatch } from '../crypto/hash-batch.ts'
import { BucketEdits } from './bucket-edits.ts'
import { ListWriter } from './list-writer.ts'
import type { Entry, Piece, PieceFault } from './piece.ts'
import { groupsOf, isRange, proofLength } from './piece-range.ts'
import { ENTRY_BYTES, levelAbove } from './tree-hash.ts'

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
export function hashEntries(entries: readonly Entry[]): Buffer {
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

/** The key hashes of the rows at `one` and at `other`. */
export function compareKeys(rows: Buffer, one: number, other: number): number {
  return rows.compare(rows, other, other + HASH_BYTES, one, one + HASH_BYTES)
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
