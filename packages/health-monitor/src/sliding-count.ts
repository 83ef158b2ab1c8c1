import { WINDOW_BUCKETS } from './constants.ts'

/** Counts events over the last while, in a fixed number of buckets; the oldest bucket goes as a whole. */
export class SlidingCount {
  readonly #bucketMs: number
  readonly #buckets: Uint32Array
  #newest = 0

  constructor(windowMs: number, buckets: number = WINDOW_BUCKETS) {
    this.#bucketMs = windowMs / buckets
    this.#buckets = new Uint32Array(buckets)
  }

  /** Counts events at `nowMs`. A clock that went back counts as standing still. */
  add(nowMs: number, events = 1): void {
    this.#forget(nowMs)
    const index = this.#newest % this.#buckets.length
    this.#buckets[index] = (this.#buckets[index] ?? 0) + events
  }

  /** Events of the window that ends at `nowMs`. */
  sum(nowMs: number): number {
    this.#forget(nowMs)
    let sum = 0
    for (const count of this.#buckets) sum += count
    return sum
  }

  #forget(nowMs: number): void {
    const current = Math.max(Math.floor(nowMs / this.#bucketMs), this.#newest)
    const { length } = this.#buckets
    const passed = Math.min(current - this.#newest, length)
    for (let step = 0; step < passed; step += 1) this.#buckets[(current - step) % length] = 0
    this.#newest = current
  }
}
