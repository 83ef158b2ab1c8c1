import { DEFAULT_AVAILABILITY_WINDOW_MS } from './constants.ts'
import { SlidingCount } from './sliding-count.ts'

/** Share of pings of the last while that were answered. Takes the same room however many pings there were. */
export class Availability {
  readonly #answered: SlidingCount
  readonly #asked: SlidingCount

  /** Looks back over `windowMs`. @throws {RangeError} unless that is a finite number above 0 */
  constructor(windowMs: number = DEFAULT_AVAILABILITY_WINDOW_MS) {
    if (!(windowMs > 0 && windowMs < Infinity)) {
      throw new RangeError(`windowMs ${windowMs} must be a finite number above 0`)
    }
    this.#answered = new SlidingCount(windowMs)
    this.#asked = new SlidingCount(windowMs)
  }

  /** Counts a ping at `nowMs`. */
  add(isAnswered: boolean, nowMs: number): void {
    this.#asked.add(nowMs)
    if (isAnswered) this.#answered.add(nowMs)
  }

  /** From 0 to 1; `undefined` where nothing was asked in the window that ends at `nowMs`. */
  share(nowMs: number): number | undefined {
    const asked = this.#asked.sum(nowMs)
    return asked === 0 ? undefined : this.#answered.sum(nowMs) / asked
  }
}
