import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'
import type { CipherState } from './cipher-state.ts'
import { LENGTH_BYTES, TAG_BYTES } from './constants.ts'
import { NoiseFrameError } from './errors.ts'
import { giveRoomBack, takeRoom } from './message-rooms.ts'

/** What came of some received bytes. */
export interface Opened {
  /** The plaintext of all messages that they completed, up to the first bad one; may be empty. */
  plaintext: Uint8Array
  /** How many those were. */
  frames: number
  /** Why the next message was bad. Nothing after it can be opened. */
  error: NoiseFrameError | undefined
}

const NOTHING = new Uint8Array(0)

/**
 * Takes a stream of ciphertext apart into messages, and decrypts all that a piece of it completes into one buffer: the
 * memory of the piece itself, where it completes one message alone. So a piece is not to be read again by whoever gave it.
 * Between pieces it holds the one message that has begun: 65,535 bytes at most, and only as long as that lasts.
 */
export class FrameOpener {
  readonly #cipher: CipherState
  /** The first byte of a length whose second is still to come. */
  #lengthByte: number | undefined
  /** A message that has begun, and how much of it there is. */
  #partial: Uint8Array | undefined
  #room: Uint8Array = NOTHING
  #filled = 0
  /** For one piece: where plaintext goes, how much there is, and what of the piece is still to be read. */
  #plaintext: Uint8Array = NOTHING
  #written = 0
  #frames = 0
  #unread = 0
  #isWhole = false

  constructor(cipher: CipherState) {
    this.#cipher = cipher
  }

  /** True where the bytes so far end inside a message. */
  get isInsideFrame(): boolean {
    return this.#partial !== undefined || this.#lengthByte !== undefined
  }

  open(data: Uint8Array | Uint8ArrayList): Opened {
    this.#plaintext = NOTHING
    this.#written = 0
    this.#frames = 0
    this.#unread = data.byteLength
    const pieces = data instanceof Uint8Array ? [data] : [...data]
    this.#isWhole = pieces.length === 1
    let error: NoiseFrameError | undefined
    try {
      for (const piece of pieces) this.#read(piece, 0)
    } catch (err) {
      if (!(err instanceof NoiseFrameError)) throw err
      error = err
    }
    const opened = { plaintext: this.#plaintext.subarray(0, this.#written), frames: this.#frames, error }
    // The buffer is the reader's from here on.
    this.#plaintext = NOTHING
    return opened
  }

  #read(piece: Uint8Array, from: number): void {
    let at = from
    while (at < piece.length) {
      const taken = this.#partial === undefined ? this.#begin(piece, at) : this.#fill(this.#partial, piece, at)
      at += taken
    }
  }

  /** Whether a message that ends here is the only one that is completed, and so long that it may keep all of the piece. */
  #isAlone(piece: Uint8Array, end: number, messageBytes: number): boolean {
    const plaintextBytes = messageBytes - TAG_BYTES
    const isFitting = plaintextBytes <= piece.length && 2 * plaintextBytes >= piece.length
    if (!this.#isWhole || this.#frames > 0 || !isFitting) return false
    const rest = piece.length - end
    if (rest < LENGTH_BYTES) return true
    const next = ((piece[end] ?? 0) << 8) | (piece[end + 1] ?? 0)
    return next >= TAG_BYTES && rest - LENGTH_BYTES < next
  }

  /** Reads a length, and the message behind it where all of that is there. Returns how many bytes it took. */
  #begin(piece: Uint8Array, at: number): number {
    const first = this.#lengthByte ?? piece[at] ?? 0
    const isSplit = this.#lengthByte !== undefined
    if (!isSplit && at + 1 === piece.length) {
      this.#lengthByte = first
      this.#unread--
      return 1
    }
    this.#lengthByte = undefined
    const prefix = isSplit ? 1 : LENGTH_BYTES
    const length = (first << 8) | (piece[at + prefix - 1] ?? 0)
    if (length < TAG_BYTES) {
      throw new NoiseFrameError('too-short', `a message of ${length} bytes, and its tag alone has ${TAG_BYTES}`)
    }
    this.#unread -= prefix
    const start = at + prefix
    if (piece.length - start < length) {
      this.#room = takeRoom(length)
      this.#partial = this.#room.subarray(0, length)
      this.#filled = 0
      return prefix
    }
    this.#unread -= length
    const message = piece.subarray(start, start + length)
    if (this.#isAlone(piece, start + length, length)) this.#plaintext = asUint8Array(message)
    this.#decrypt(message)
    return prefix + length
  }

  /** Continues a message that has begun. */
  #fill(partial: Uint8Array, piece: Uint8Array, at: number): number {
    const taken = Math.min(partial.length - this.#filled, piece.length - at)
    partial.set(piece.subarray(at, at + taken), this.#filled)
    this.#filled += taken
    this.#unread -= taken
    if (this.#filled < partial.length) return taken
    const room = this.#room
    this.#partial = undefined
    this.#room = NOTHING
    let end = at + taken
    if (this.#isAlone(piece, end, partial.length)) {
      // What begins behind it is put aside, so that the piece is free.
      this.#read(piece, end)
      end = piece.length
      this.#plaintext = asUint8Array(piece)
    }
    this.#decrypt(partial)
    giveRoomBack(room)
    return end - at
  }

  #decrypt(message: Uint8Array): void {
    const length = message.length - TAG_BYTES
    // Room for all that this piece may still complete.
    if (this.#plaintext === NOTHING) this.#plaintext = allocUnsafe(length + this.#unread)
    const target = this.#plaintext.subarray(this.#written, this.#written + length)
    if (!this.#cipher.decrypt(target, message)) {
      throw new NoiseFrameError('forged', `a message of ${message.length} bytes does not decrypt`)
    }
    this.#written += length
    this.#frames++
  }
}

/** What Node.js reads is a `Buffer`, whose methods differ. */
function asUint8Array(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
