/** A change of an input. Places and lengths are taken modulo what there is, so that each applies to whatever comes. */
export type Edit =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'add'; at: number; by: number }
  /** A number of so many bytes, big end first. */
  | { kind: 'number'; at: number; bytes: number; value: number }
  | { kind: 'insert'; at: number; bytes: readonly number[] }
  | { kind: 'remove'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number }
  | { kind: 'truncate'; at: number }
  /** A piece of another input in the place of, or before, what is there. */
  | { kind: 'splice'; at: number; from: number; length: number; isInserted: boolean }

/** Longest input that is made, in bytes. */
export const MAX_INPUT_BYTES = 8_192

/** Numbers at which decoders have their edges. */
export const EDGES: readonly number[] = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
]

/** Applies edits, one after the other; `other` is what splices take from. */
export function applyEdits(input: Uint8Array, edits: readonly Edit[], other: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(input)
  for (const edit of edits) bytes = applied(bytes, edit, other)
  return bytes.subarray(0, MAX_INPUT_BYTES)
}

function applied(bytes: Uint8Array<ArrayBuffer>, edit: Edit, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = bytes.byteLength === 0 ? 0 : edit.at % bytes.byteLength
  const before = bytes[at] ?? 0
  switch (edit.kind) {
    case 'set':
      return withByte(bytes, at, edit.value)
    case 'flip':
      return withByte(bytes, at, before ^ (1 << (edit.bit & 7)))
    case 'add':
      return withByte(bytes, at, before + edit.by)
    case 'number':
      return withPiece(bytes, at, edit.bytes, numberBytes(edit.value, edit.bytes))
    case 'insert':
      return withPiece(bytes, at, 0, Uint8Array.from(edit.bytes))
    case 'remove':
      return withPiece(bytes, at, edit.length, new Uint8Array())
    case 'repeat':
      return withPiece(bytes, at, 0, bytes.slice(at, at + edit.length))
    case 'truncate':
      return bytes.slice(0, at)
    case 'splice':
      break
  }
  const from = other.byteLength === 0 ? 0 : edit.from % other.byteLength
  const piece = other.slice(from, from + edit.length)
  return withPiece(bytes, at, edit.isInserted ? 0 : piece.byteLength, piece)
}

function withByte(bytes: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength > 0) bytes[at] = value
  return bytes
}

function withPiece(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  removed: number,
  piece: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + removed)]))
}

function numberBytes(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256)
}
