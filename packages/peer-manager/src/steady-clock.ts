import { CLOCK_TOLERANCE_MS } from './constants.ts'

/**
 * The system clock, but for its being set: from then on this one goes by the monotonic clock, until it is told to
 * follow. A node without a battery boots in 1970, and what it notes must not be half a century old a minute later.
 */
export class SteadyClock {
  #offsetMs = Date.now() - performance.now()

  /** ms since the epoch, as if the system clock had not been set since it was last followed. */
  now(): number {
    const nowMs = Date.now()
    return nowMs - this.#stepAt(nowMs)
  }

  /** Goes by the system clock again. Returns by how much that was set meanwhile, in ms. */
  follow(): number {
    const nowMs = Date.now()
    const stepMs = this.#stepAt(nowMs)
    this.#offsetMs = nowMs - performance.now()
    return stepMs
  }

  #stepAt(nowMs: number): number {
    const stepMs = Math.round(nowMs - performance.now() - this.#offsetMs)
    return Math.abs(stepMs) > CLOCK_TOLERANCE_MS ? stepMs : 0
  }
}
