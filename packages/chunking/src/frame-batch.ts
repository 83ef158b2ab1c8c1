import { Uint8ArrayList } from 'uint8arraylist'
import { VIEW_BYTES } from './constants.ts'
import { headerLength, writeHeader } from './frame.ts'
import type { OutgoingMessage } from './outgoing-message.ts'

/**
 * The frames of one `stream.send()`. They are noted first and written once their size is known: one buffer for all
 * headers and small payloads, views for the rest. The notes are kept from batch to batch, so a frame allocates nothing.
 */
export class FrameBatch {
  #size = 0
  #copied = 0
  #count = 0
  readonly #messages: (OutgoingMessage | undefined)[] = []
  readonly #flags: number[] = []
  readonly #lengths: number[] = []
  #controls: Uint8Array[] = []

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  addControl(frame: Uint8Array): void {
    this.#controls.push(frame)
    this.#size += frame.byteLength
  }

  /** Notes a frame with the next `length` bytes of `message`. Returns the bytes it takes. */
  add(message: OutgoingMessage, flags: number, length: number): number {
    const header = headerLength(flags, message.id, message.size, length)
    const at = this.#count++
    this.#messages[at] = message
    this.#flags[at] = flags
    this.#lengths[at] = length
    this.#size += header + length
    this.#copied += length < VIEW_BYTES ? header + length : header
    return header + length
  }

  /** Writes all that was noted, and starts over; undefined where there was nothing. */
  write(): Uint8Array | Uint8ArrayList | undefined {
    if (this.#size === 0) return undefined
    const buffer = allocate(this.#copied)
    const parts: Uint8Array[] = this.#controls
    let from = 0
    let to = 0
    for (let i = 0; i < this.#count; i++) {
      const message = this.#messages[i]
      const length = this.#lengths[i] ?? 0
      this.#messages[i] = undefined
      if (message == null) continue
      to = writeHeader(buffer, to, this.#flags[i] ?? 0, message.id, message.size, length)
      if (length < VIEW_BYTES) {
        message.copy(buffer, to, length)
        to += length
      } else {
        parts.push(buffer.subarray(from, to))
        message.view(parts, length)
        from = to
      }
    }
    const size = this.#size
    this.#reset()
    if (parts.length === 0) return buffer
    if (to > from) parts.push(buffer.subarray(from, to))
    return Uint8ArrayList.fromUint8Arrays(parts, size)
  }

  #reset(): void {
    this.#size = 0
    this.#copied = 0
    this.#count = 0
    this.#controls = []
  }
}

/** Memory from Node's pool, not zeroed: every byte of it is written. */
function allocate(size: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(size)
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size)
}
