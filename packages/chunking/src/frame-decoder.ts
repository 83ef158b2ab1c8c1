import { DEFAULT_MAX_FRAME_BYTES, MAX_HEADER_BYTES } from './constants.ts'
import { FramingError } from './errors.ts'
import { FLAG_ABORT, FLAG_FIRST, FLAG_LAST, FLAG_REFUSE, FLAG_WHOLE } from './frame.ts'

/** Takes what the decoder finds. Each method returns whether the decoder may go on. */
export interface FrameSink {
  /**
   * A piece of a message. A frame that came in several pieces is reported as several smaller frames, a message in one
   * frame always as one. `total` is the length of the message, and means nothing without the first flag.
   */
  onData(flags: number, id: number, total: number, bytes: Uint8Array): boolean
  /** An abort or a refusal. `value` is that of the limit of a refusal, and means nothing for an abort. */
  onControl(flags: number, id: number, value: number, code: number): boolean
}

/** Cuts a stream of bytes, fragmented anyhow, into frames. Keeps no more than one header and one whole-message frame. */
export class FrameDecoder {
  readonly #sink: FrameSink
  readonly #maxFrameBytes: number
  /** The beginning of a header, or one that spans two buffers. */
  readonly #scratch = new Uint8Array(MAX_HEADER_BYTES)
  #scratchLength = 0
  #flags = 0
  #id = 0
  /** Length of the message; for a refusal the value of its limit. */
  #total = 0
  /** Payload of the frame that is still to come; for an abort or a refusal its code. */
  #length = 0
  #isInFrame = false
  #whole: Uint8Array | undefined
  #position = 0

  constructor(sink: FrameSink, maxFrameBytes = DEFAULT_MAX_FRAME_BYTES) {
    this.#sink = sink
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Whether the bytes so far end inside a frame. */
  get isInFrame(): boolean {
    return this.#isInFrame || this.#scratchLength > 0
  }

  /**
   * Decodes `bytes` from `offset` on, until they or the sink's patience end. Returns the offset of the first byte not
   * taken.
   *
   * @throws {FramingError} when the bytes are not frames; the decoder is of no more use then
   */
  decode(bytes: Uint8Array, offset = 0): number {
    const end = bytes.byteLength
    let at = offset
    let isWanted = true
    while (isWanted && at < end) {
      if (!this.#isInFrame) {
        at = this.#header(bytes, at, end)
        if (!this.#isInFrame) return at
        if (this.#flags >= FLAG_ABORT) {
          this.#isInFrame = false
          isWanted = this.#sink.onControl(this.#flags, this.#id, this.#total, this.#length)
          continue
        }
        if (this.#length > 0 && at === end) return at
      }
      const take = Math.min(this.#length, end - at)
      // Not subarray: of a Node Buffer that makes another Buffer, at five times the price.
      isWanted = this.#payload(new Uint8Array(bytes.buffer, bytes.byteOffset + at, take))
      at += take
    }
    return at
  }

  #payload(piece: Uint8Array): boolean {
    const flags = this.#flags
    const left = this.#length - piece.byteLength
    if (flags === FLAG_WHOLE) return this.#wholePayload(piece, left)
    this.#length = left
    this.#flags = flags & ~FLAG_FIRST
    this.#isInFrame = left > 0
    return this.#sink.onData(left > 0 ? flags & ~FLAG_LAST : flags, this.#id, this.#total, piece)
  }

  /** Puts a message in one frame together before the sink sees it, so that it never counts as a partial message. */
  #wholePayload(piece: Uint8Array, left: number): boolean {
    let bytes = piece
    if (left > 0 || this.#whole != null) {
      this.#whole ??= new Uint8Array(this.#total)
      this.#whole.set(piece, this.#total - this.#length)
      bytes = this.#whole
    }
    this.#length = left
    if (left > 0) return true
    this.#whole = undefined
    this.#isInFrame = false
    return this.#sink.onData(FLAG_WHOLE, this.#id, this.#total, bytes)
  }

  /** Reads a header, wholly in `bytes` or begun in an earlier buffer. Returns the offset behind what it took. */
  #header(bytes: Uint8Array, at: number, end: number): number {
    if (this.#scratchLength === 0) {
      if (this.#parse(bytes, at, end)) return this.#position
      this.#scratch.set(bytes.subarray(at, end))
      this.#scratchLength = end - at
      return end
    }
    const had = this.#scratchLength
    const added = Math.min(MAX_HEADER_BYTES - had, end - at)
    this.#scratch.set(bytes.subarray(at, at + added), had)
    if (!this.#parse(this.#scratch, 0, had + added)) {
      this.#scratchLength = had + added
      return at + added
    }
    this.#scratchLength = 0
    return at + this.#position - had
  }

  /** Reads a header and checks it. Returns `false` where it is incomplete. */
  #parse(bytes: Uint8Array, start: number, end: number): boolean {
    const isComplete = this.#parseFields(bytes, start, end)
    // A longer one is refused where it comes in one piece as well, or fragmentation would decide what is a frame.
    const isTooLong = isComplete ? this.#position - start > MAX_HEADER_BYTES : end - start >= MAX_HEADER_BYTES
    if (isTooLong) throw new FramingError(`A header over ${MAX_HEADER_BYTES} bytes`)
    return isComplete
  }

  #parseFields(bytes: Uint8Array, start: number, end: number): boolean {
    const flags = bytes[start] ?? 0
    if (flags > FLAG_WHOLE && flags !== FLAG_ABORT && flags !== FLAG_REFUSE) {
      throw new FramingError(`Unknown frame flags ${flags}`)
    }
    this.#position = start + 1
    const id = this.#varint(bytes, end)
    if (id < 0) return false
    const total = flags === FLAG_FIRST || flags === FLAG_REFUSE ? this.#varint(bytes, end) : 0
    if (total < 0) return false
    const length = this.#varint(bytes, end)
    if (length < 0) return false
    if (flags < FLAG_ABORT) this.#check(flags, total, length, this.#position - start)
    this.#flags = flags
    this.#id = id
    this.#total = flags === FLAG_WHOLE ? length : total
    this.#length = length
    this.#isInFrame = true
    return true
  }

  #check(flags: number, total: number, length: number, header: number): void {
    if (header + length > this.#maxFrameBytes) {
      throw new FramingError(
        `A frame of ${header + length} bytes is over maxFrameBytes, which is ${this.#maxFrameBytes}`,
      )
    }
    if (length === 0 && flags !== FLAG_WHOLE) throw new FramingError('A frame without payload')
    if (flags === FLAG_FIRST && total <= length) throw new FramingError('The first frame holds more than its message')
  }

  /** The varint at the position, which moves behind it; -1 where it is incomplete. */
  #varint(bytes: Uint8Array, end: number): number {
    let at = this.#position
    let value = 0
    let factor = 1
    while (at < end) {
      const byte = bytes[at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        // One number has one form, or frames could not be compared by their bytes.
        if (byte === 0 && factor > 1) throw new FramingError('A padded number')
        if (value > Number.MAX_SAFE_INTEGER) throw new FramingError('A number over 53 bits')
        this.#position = at
        return value
      }
      factor *= 0x80
      if (factor > 2 ** 49) throw new FramingError('A number over 8 bytes')
    }
    return -1
  }
}
