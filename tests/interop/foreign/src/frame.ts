/** Lanes by their number on the wire. */
const LANES = ['critical', 'high', 'normal', 'bulk'] as const
const NORMAL = LANES.indexOf('normal')
const VERSION = 1
const VARINT = 0
const BYTES = 2
/** Length of the chunks of a payload, in bytes. */
export const CHUNK_BYTES = 65_536
const ROOT_BYTES = 32

/** What is in a frame, as far as gossip needs it. */
export interface Frame {
  lane: (typeof LANES)[number]
  /** Multihash of the author's peer id; may be empty. */
  origin: Uint8Array
  /** Topic as on the wire; may be empty. */
  topic: string
  payload: Uint8Array
  /** In the place of a payload that is too long to be sent along. */
  announced?: Announcement
}

/** Names a payload. */
export interface Announcement {
  totalBytes: number
  /** Root of the Merkle tree over its chunks. */
  root: Uint8Array
}

/**
 * Writes the frame that goes around a payload: protobuf by hand, from the README alone, so that these tests notice a
 * mistake that our own encoder and decoder share.
 */
export function encodeFrame(payload: Uint8Array, origin: Uint8Array): Uint8Array {
  return Buffer.concat([
    field(1, VARINT, varint(VERSION)),
    field(2, VARINT, varint(NORMAL)),
    field(3, BYTES, varint(origin.length), origin),
    field(6, BYTES, varint(payload.length), payload),
  ])
}

/** Reads a frame. @throws {RangeError} when the bytes are none */
export function decodeFrame(bytes: Uint8Array): Frame {
  const { numbers, strings } = decodeFields(bytes)
  const version = numbers.get(1)
  const lane = LANES[(numbers.get(2) ?? 0) % LANES.length]
  if (version !== VERSION || lane === undefined) throw new RangeError(`version ${version} is not ${VERSION}`)
  const topic = Buffer.from(strings.get(5) ?? []).toString()
  const frame = { lane, origin: strings.get(3) ?? new Uint8Array(), topic, payload: strings.get(6) ?? new Uint8Array() }
  const [root, totalBytes] = [strings.get(7), numbers.get(8)]
  if (root === undefined) return frame
  if (root.length !== ROOT_BYTES || totalBytes === undefined || numbers.get(9) !== CHUNK_BYTES) {
    throw new RangeError(`root of ${root.length} bytes, ${totalBytes} bytes in chunks of ${numbers.get(9)}`)
  }
  return { ...frame, announced: { root, totalBytes } }
}

/** The fields of a protobuf message by their number. */
interface Fields {
  numbers: Map<number, number>
  strings: Map<number, Uint8Array>
}

function decodeFields(bytes: Uint8Array): Fields {
  const fields: Fields = { numbers: new Map(), strings: new Map() }
  let at = 0
  const next = (): number => {
    const [value, end] = readVarint(bytes, at)
    at = end
    return value
  }
  while (at < bytes.length) {
    const key = next()
    const value = next()
    if (key % 8 === VARINT) {
      fields.numbers.set(key >> 3, value)
    } else if (key % 8 === BYTES && at + value <= bytes.length) {
      fields.strings.set(key >> 3, Uint8Array.from(bytes.subarray(at, at + value)))
      at += value
    } else {
      throw new RangeError(`field ${key >> 3} of type ${key % 8} does not fit ${bytes.length} bytes`)
    }
  }
  return fields
}

function field(number: number, type: number, ...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat([varint((number << 3) | type), ...parts])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function readVarint(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0
  for (let at = start; at < start + 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte < 0x80) return [value, at + 1]
  }
  throw new RangeError(`no varint at ${start}`)
}
