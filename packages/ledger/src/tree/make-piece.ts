import { BUCKETS, HASH_BYTES } from '../constants.ts'
import { StateTreeError } from '../errors.ts'
import { type Entry, type EntryReader, type Piece, verifyPiece } from './piece.ts'
import { groupsOf, isRange } from './piece-range.ts'
import { compareKeys, hashEntries } from './read-piece.ts'
import { ENTRY_BYTES, LEVELS } from './tree-hash.ts'

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
