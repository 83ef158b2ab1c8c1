const WINDOW_MS = 1_000

/** Counts per key within fixed windows of one second. It needs no timer: a new window starts with the first use. */
export class WindowCounter {
  readonly #limit: number
  readonly #maxKeys: number
  readonly #counts = new Map<string, number>()
  #windowStartMs = Number.NEGATIVE_INFINITY

  constructor(limitPerSecond: number, maxKeys: number) {
    this.#limit = limitPerSecond
    this.#maxKeys = maxKeys
  }

  /** Counts `amount` for `key`, or counts nothing and returns `false` where the limit would be passed. */
  tryTake(key: string, amount: number): boolean {
    const now = performance.now()
    if (now - this.#windowStartMs >= WINDOW_MS) {
      this.#counts.clear()
      this.#windowStartMs = now
    }
    const count = this.#counts.get(key)
    if (count === undefined && this.#counts.size >= this.#maxKeys) return false
    const next = (count ?? 0) + amount
    if (next > this.#limit) return false
    this.#counts.set(key, next)
    return true
  }
}
