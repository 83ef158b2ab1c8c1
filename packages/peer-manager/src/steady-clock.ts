import { CLOCK_TOLERANCE_MS } from './constants.ts'

/**
 * Calendar time that goes on by the monotonic clock. A system clock that is set meanwhile, as where a node without a
 * battery boots in 1970, changes nothing until it is followed.
 */
export class SteadyClock {
  #offsetMs = Date.now() - performance.now()

  /** ms since the epoch, by the system clock as it was when last followed. */
  now(): number {
    return Math.round(performance.now() + this.#offsetMs)
  }

  /** How far the system clock was set since it was last followed, in ms; below a second it counts as not set. */
  get stepMs(): number {
    const stepMs = Date.now() - this.now()
    return Math.abs(stepMs) > CLOCK_TOLERANCE_MS ? stepMs : 0
  }

  /** Sets this clock by as much. */
  follow(stepMs: number): void {
    this.#offsetMs += stepMs
  }
}
