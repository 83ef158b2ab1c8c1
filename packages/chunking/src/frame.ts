/** First frame of its message. */
export const FLAG_FIRST = 1
/** Last frame of its message. */
export const FLAG_LAST = 2
/** The sender gives the message up. */
export const FLAG_ABORT = 4
/** The receiver wants no more of the message. */
export const FLAG_REFUSE = 8
/** A message in one frame. */
export const FLAG_WHOLE = 3

/** Bytes that `value` takes as a varint. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  if (value < 0x1000_0000) return 4
  let length = 5
  for (let rest = Math.floor(value / 0x8_0000_0000); rest > 0; rest = Math.floor(rest / 0x80)) length += 1
  return length
}

/** Writes `value` as a varint, little end first. Returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value
  let at = offset
  // Bit operators would cut the value to 32 bits.
  while (rest >= 0x8000_0000) {
    target[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}

/** Bytes in front of the payload of a data frame. */
export function headerLength(flags: number, id: number, total: number, length: number): number {
  const base = 1 + varintLength(id) + varintLength(length)
  return flags === FLAG_FIRST ? base + varintLength(total) : base
}

/**
 * Writes the header of a data frame: flags, id, the total length on the first of several frames, and the payload's
 * length. Returns the offset behind it.
 */
export function writeHeader(
  target: Uint8Array,
  offset: number,
  flags: number,
  id: number,
  total: number,
  length: number,
): number {
  target[offset] = flags
  let at = writeVarint(target, offset + 1, id)
  if (flags === FLAG_FIRST) at = writeVarint(target, at, total)
  return writeVarint(target, at, length)
}

/** The sender gives its message up: flags, id and a code, of which there is one. */
export function abortFrame(id: number): Uint8Array {
  const frame = new Uint8Array(2 + varintLength(id))
  frame[0] = FLAG_ABORT
  writeVarint(frame, 1, id)
  return frame
}

/** The receiver wants no more of a message: flags, id, the value of the limit that it was over, and a code. */
export function refusalFrame(id: number, value: number, code: number): Uint8Array {
  const frame = new Uint8Array(1 + varintLength(id) + varintLength(value) + varintLength(code))
  frame[0] = FLAG_REFUSE
  writeVarint(frame, writeVarint(frame, writeVarint(frame, 1, id), value), code)
  return frame
}
