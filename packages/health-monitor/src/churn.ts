import { SlidingCount } from './sliding-count.ts'

const MINUTE_MS = 60_000

/** How many peers come and go. */
export class Churn {
  readonly #windowMs: number
  #moves: SlidingCount
  #startedMs = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.#moves = new SlidingCount(windowMs)
  }

  /** Begins to count, from nothing. */
  start(nowMs: number): void {
    this.#moves = new SlidingCount(this.#windowMs)
    this.#startedMs = nowMs
  }

  /** Counts one peer that came or went. */
  add(nowMs: number): void {
    this.#moves.add(nowMs)
  }

  /** Moves a minute. Of a count that is younger than a minute, nothing is extrapolated. */
  perMinute(nowMs: number): number {
    const elapsedMs = Math.max(nowMs - this.#startedMs, MINUTE_MS)
    return this.#moves.sum(nowMs) / (Math.min(elapsedMs, this.#windowMs) / MINUTE_MS)
  }
}
