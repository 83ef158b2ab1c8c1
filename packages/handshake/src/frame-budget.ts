import { STATUS_BURST_SECONDS } from './constants.ts'

/** How often one peer may send a frame: so many per second, with a burst of the frames of two seconds. */
export class FrameBudget {
  readonly #intervalMs: number
  #nextAt = -Infinity

  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond
  }

  /** Charges one frame. Returns the time it came too early, in ms; 0 within the budget. */
  charge(): number {
    const now = performance.now()
    this.#nextAt = Math.max(this.#nextAt, now) + this.#intervalMs
    return Math.max(0, this.#nextAt - now - STATUS_BURST_SECONDS * 1_000)
  }
}
