import type { Lane } from '@gridmesh/interfaces'
import { Uint8ArrayList } from 'uint8arraylist'
import type { MessageRefusedError } from './errors.ts'

/** What the sender of a message wants to know, and how urgent it is. */
export interface MessageOptions {
  /** Lane within the channel. @default 'normal' */
  lane?: Lane
  /** The message was handed to the stream, or will never be. */
  onSettled?(error?: Error): void
  /** The receiver gave the message up. May come after `onSettled`. */
  onRefused?(error: MessageRefusedError): void
}

/** A message on its way out, and how much of it has gone. */
export class OutgoingMessage {
  readonly size: number
  readonly lane: Lane
  readonly options: MessageOptions
  /** Number on the wire; -1 until its first frame is cut. */
  id = -1
  sent = 0
  /** Given up, or wholly cut: no more frames of it. */
  isOver = false
  /** Holds room in the gate for messages of several frames. */
  isAdmitted = false
  #bytes: Uint8Array | Uint8ArrayList | undefined

  constructor(bytes: Uint8Array | Uint8ArrayList, lane: Lane, options: MessageOptions) {
    this.#bytes = bytes
    this.size = bytes.byteLength
    this.lane = lane
    this.options = options
  }

  /** Copies the next `length` bytes into `target` at `offset`. */
  copy(target: Uint8Array, offset: number, length: number): void {
    const bytes = this.#bytes
    if (bytes instanceof Uint8Array) {
      target.set(length === bytes.byteLength ? bytes : bytes.subarray(this.sent, this.sent + length), offset)
    } else if (bytes != null) {
      let at = offset
      for (const piece of bytes.sublist(this.sent, this.sent + length)) {
        target.set(piece, at)
        at += piece.byteLength
      }
    }
    this.#advance(length)
  }

  /** Adds the next `length` bytes to `target` as views. */
  view(target: Uint8Array[], length: number): void {
    const bytes = this.#bytes
    if (bytes instanceof Uint8Array) target.push(bytes.subarray(this.sent, this.sent + length))
    else if (bytes != null) for (const piece of bytes.sublist(this.sent, this.sent + length)) target.push(piece)
    this.#advance(length)
  }

  /** Lets go of the bytes. */
  drop(): void {
    this.#bytes = undefined
  }

  /** A message that was sent may be remembered for a late refusal, which takes none of its bytes. */
  #advance(length: number): void {
    this.sent += length
    if (this.sent === this.size) this.drop()
  }
}
