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
 * Takes a stream of ciphertext apart into messages, and decrypts all that a piece of it completes into one buffer.
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
  #plaintext = NOTHING
  #written = 0
  #frames = 0
  #unread = 0

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
    let error: NoiseFrameError | undefined
    try {
      for (const piece of data instanceof Uint8Array ? [data] : data) this.#read(piece)
    } catch (err) {
      if (!(err instanceof NoiseFrameError)) throw err
      error = err
    }
    const opened = { plaintext: this.#plaintext.subarray(0, this.#written), frames: this.#frames, error }
    // The buffer is the reader's from here on.
    this.#plaintext = NOTHING
    return opened
  }

  #read(piece: Uint8Array): void {
    let at = 0
    while (at < piece.length) {
      const taken = this.#partial === undefined ? this.#begin(piece, at) : this.#fill(this.#partial, piece, at)
      at += taken
    }
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
    this.#decrypt(piece.subarray(start, start + length))
    return prefix + length
  }

  /** Continues a message that has begun. */
  #fill(partial: Uint8Array, piece: Uint8Array, at: number): number {
    const taken = Math.min(partial.length - this.#filled, piece.length - at)
    partial.set(piece.subarray(at, at + taken), this.#filled)
    this.#filled += taken
    this.#unread -= taken
    if (this.#filled === partial.length) {
      this.#partial = undefined
      this.#decrypt(partial)
      giveRoomBack(this.#room)
      this.#room = NOTHING
    }
    return taken
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
