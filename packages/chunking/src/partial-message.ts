import { Uint8ArrayList } from 'uint8arraylist'
import { DEFAULT_MAX_FRAME_BYTES } from './constants.ts'

/** Pieces from here on may be kept as views of the buffer they came in. */
const MIN_VIEW_BYTES = 16_384

/**
 * A message of which a part has come. Big pieces are kept as views. Small ones are copied together: a remote chooses
 * how its bytes are cut, and a view of one byte would keep a whole network buffer in memory.
 */
export class PartialMessage {
  readonly total: number
  /** When the last piece came, by `performance.now()`. */
  touchedMs: number
  #received = 0
  readonly #pieces: Uint8Array[] = []
  #slab: Uint8Array | undefined
  /** The part of the slab that is filled and not yet among the pieces. */
  #from = 0
  #to = 0

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
    if (this.#received + piece.byteLength > this.total) return false
    this.touchedMs = nowMs
    if (piece.byteLength >= MIN_VIEW_BYTES && piece.byteLength * 2 >= piece.buffer.byteLength) {
      this.#flush()
      this.#pieces.push(piece)
    } else {
      this.#copy(piece)
    }
    this.#received += piece.byteLength
    return true
  }

  /** The whole message; undefined where bytes are missing. */
  finish(): Uint8Array | Uint8ArrayList | undefined {
    if (this.#received !== this.total) return undefined
    this.#flush()
    const only = this.#pieces.length === 1 ? this.#pieces[0] : undefined
    return only ?? Uint8ArrayList.fromUint8Arrays(this.#pieces, this.total)
  }

  #copy(piece: Uint8Array): void {
    let at = 0
    while (at < piece.byteLength) {
      if (this.#slab == null || this.#to === this.#slab.byteLength) {
        this.#flush()
        const left = this.total - this.#received - at
        this.#slab = new Uint8Array(Math.min(left, DEFAULT_MAX_FRAME_BYTES))
        this.#from = 0
        this.#to = 0
      }
      const take = Math.min(piece.byteLength - at, this.#slab.byteLength - this.#to)
      this.#slab.set(piece.subarray(at, at + take), this.#to)
      this.#to += take
      at += take
    }
  }

  #flush(): void {
    if (this.#slab == null || this.#from === this.#to) return
    this.#pieces.push(this.#slab.subarray(this.#from, this.#to))
    this.#from = this.#to
  }
}
