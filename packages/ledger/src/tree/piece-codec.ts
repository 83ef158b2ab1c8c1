import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { MAX_PIECE_BYTES } from '../constants.ts'
import type { Entry, Piece } from './piece.ts'
import { isRange, proofLength } from './piece-range.ts'

/** The smallest entry: two lengths. */
const MIN_ENTRY_BYTES = 4

/** Writes a piece for the wire. */
export function encodePiece({ first, count, entries, proof }: Piece): Uint8Array {
  const writer = new ByteWriter().u16(first).u32(count).u32(entries.length)
  for (const [key, value] of entries) writer.sized(key).sized(value)
  return writer.fixed(proof, proof.byteLength).finish()
}

/** Reads a piece; whether it is true is for `verifyPiece` to say. @throws {MalformedError} */
export function decodePiece(bytes: Uint8Array): Piece {
  const reader = new ByteReader(bytes, 'piece', MAX_PIECE_BYTES)
  const [first, count, length] = [reader.u16(), reader.u32(), reader.u32()]
  if (!isRange(first, count)) reader.fail('unknown-value', 'a range of buckets', `${count} buckets from ${first} on`)
  if (length * MIN_ENTRY_BYTES > bytes.byteLength)
    reader.fail('truncated', `${length} entries`, `${bytes.byteLength} bytes`)
  const entries: Entry[] = []
  while (entries.length < length) entries.push([reader.sized(bytes.byteLength), reader.sized(bytes.byteLength)])
  const proof = reader.fixed(proofLength(first, count))
  reader.end()
  return { first, count, entries, proof }
}
