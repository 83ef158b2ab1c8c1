/** Time in which what is remembered of a late message is halved, in ms. */
const HALF_LIFE_MS = 5_000
/** How much longer than the latest one is waited for others. */
const MARGIN = 2
/** The longest wait, as a multiple of the shortest. */
const MAX_FACTOR = 8

/**
 * How long to wait for what may still come by itself: twice as long as the latest of late took, at least `leastMs` and at
 * most 8 times that. Where everything is late, to ask for it once more would only make it later.
 */
export class Patience {
  readonly #leastMs: number
  #lateMs = 0
  #atMs = 0

  constructor(leastMs: number) {
    this.#leastMs = leastMs
  }

  get waitMs(): number {
    const waitMs = MARGIN * this.#remembered(performance.now())
    return Math.min(Math.max(waitMs, this.#leastMs), MAX_FACTOR * this.#leastMs)
  }

  /** Something came by itself, so late. */
  came(lateMs: number): void {
    const nowMs = performance.now()
    if (lateMs <= this.#remembered(nowMs)) return
    this.#lateMs = lateMs
    this.#atMs = nowMs
  }

  #remembered(nowMs: number): number {
    return this.#lateMs * 0.5 ** ((nowMs - this.#atMs) / HALF_LIFE_MS)
  }
}
