import { FIRST_ROOM_BYTES, MAX_ROOM_AHEAD } from './constants.ts'

const NOTHING = new Uint8Array(0)

/**
 * A message of which a part has come, in one piece of memory: views of what it came in would each keep a whole network
 * buffer, and would be put together in the end all the same. Room for all that was announced is taken only once some of
 * it has come, since to announce costs nothing.
 */
export class PartialMessage {
  readonly total: number
  /** When the last piece came, by `performance.now()`. */
  touchedMs: number
  #bytes: Uint8Array = NOTHING
  #received = 0

  constructor(total: number, nowMs: number) {
    this.total = total
    this.touchedMs = nowMs
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received
  }

  /** Adds the next piece. Returns `false`, and takes nothing, where it goes past the total. */
  add(piece: Uint8Array, nowMs: number): boolean {
    const received = this.#received + piece.byteLength
    if (received > this.total) return false
    this.touchedMs = nowMs
    if (received > this.#bytes.byteLength) this.#grow(received)
    this.#bytes.set(piece, this.#received)
    this.#received = received
    return true
  }

  /** The whole message; undefined where bytes are missing. */
  finish(): Uint8Array | undefined {
    return this.#received === this.total ? this.#bytes : undefined
  }

  /** At once room for all of it where that is not much more than came, so that a message of a few frames does not move. */
  #grow(received: number): void {
    const isAll = this.#received > 0 || this.total <= MAX_ROOM_AHEAD * received
    const bytes = allocate(isAll ? this.total : Math.min(this.total, Math.max(FIRST_ROOM_BYTES, received)))
    bytes.set(this.#bytes.subarray(0, this.#received))
    this.#bytes = bytes
  }
}

/** Memory of its own, not zeroed: every byte of it is written before anybody sees it. */
function allocate(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}
