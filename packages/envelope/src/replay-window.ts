import { DEFAULT_REPLAY_WINDOW_BITS, MAX_REPLAY_WINDOW_BITS } from './constants.ts'

/**
 * What a window knows of a sequence number.
 *
 * - `fresh`: not seen
 * - `seen`: marked before
 * - `behind-window`: so far behind the highest that it can no longer be told
 */
export type WindowVerdict = 'fresh' | 'seen' | 'behind-window'

const WORD_BITS = 32

/** Remembers which of the last numbers of a rising sequence were seen, in one bit each. */
export class ReplayWindow {
  readonly #bits: number
  readonly #words: Uint32Array
  #top: bigint | undefined
  /** Place of the highest number's bit. The bitmap is a ring around it, so that sliding moves nothing. */
  #head = 0

  /** @param bits Numbers remembered, a multiple of 32. @throws {RangeError} */
  constructor(bits: number = DEFAULT_REPLAY_WINDOW_BITS) {
    if (!(bits >= WORD_BITS && bits <= MAX_REPLAY_WINDOW_BITS && bits % WORD_BITS === 0)) {
      throw new RangeError(`bits ${bits} must be a multiple of 32 from 32 to ${MAX_REPLAY_WINDOW_BITS}`)
    }
    this.#bits = bits
    this.#words = new Uint32Array(bits / WORD_BITS)
  }

  /** A window in which `top` and everything below it counts as seen. */
  static filledTo(top: bigint, bits?: number): ReplayWindow {
    const window = new ReplayWindow(bits)
    window.#top = top
    window.#words.fill(0xff_ff_ff_ff)
    return window
  }

  /** The highest number marked. */
  get top(): bigint | undefined {
    return this.#top
  }

  /** Says what is known of `sequence`, and changes nothing. */
  check(sequence: bigint): WindowVerdict {
    if (this.#top === undefined) return 'fresh'
    // Inexact only beyond 2^53, where no more than the sign and the rough size matter.
    const ahead = Number(sequence - this.#top)
    if (ahead > 0) return 'fresh'
    if (-ahead >= this.#bits) return 'behind-window'
    return this.#has(this.#placeOf(ahead)) ? 'seen' : 'fresh'
  }

  /** As `check`; a fresh number is seen from now on, and the window slides up to it. */
  mark(sequence: bigint): WindowVerdict {
    const verdict = this.check(sequence)
    if (verdict !== 'fresh') return verdict

    const ahead = this.#top === undefined ? this.#bits : Number(sequence - this.#top)
    if (ahead > 0) {
      this.#slide(ahead)
      this.#top = sequence
    }
    this.#set(ahead > 0 ? this.#head : this.#placeOf(ahead))
    return 'fresh'
  }

  #slide(ahead: number): void {
    if (ahead >= this.#bits) {
      this.#words.fill(0)
      this.#head = 0
      return
    }
    for (let step = 0; step < ahead; step++) {
      this.#head = (this.#head + 1) % this.#bits
      this.#clear(this.#head)
    }
  }

  #placeOf(ahead: number): number {
    return (this.#head + ahead + this.#bits) % this.#bits
  }

  #has(place: number): boolean {
    return ((this.#words[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0
  }

  #set(place: number): void {
    this.#words[place >>> 5] = (this.#words[place >>> 5] ?? 0) | (1 << (place & 31))
  }

  #clear(place: number): void {
    this.#words[place >>> 5] = (this.#words[place >>> 5] ?? 0) & ~(1 << (place & 31))
  }
}
