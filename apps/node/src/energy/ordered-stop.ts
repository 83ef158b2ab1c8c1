/** Longest time between two looks at the clock, in ms: it may be set, and no timer is as long as a month. */
const MAX_WAIT_MS = 60_000

/** Stops once, at the earliest of the times it was told: no later word takes an earlier one back. */
export class OrderedStop {
  readonly #stop: () => void
  #dueMs = Infinity
  #timer: NodeJS.Timeout | undefined

  constructor(stop: () => void) {
    this.#stop = stop
  }

  /** Stops at `timeMs`, in ms since the epoch, or at once where that has passed. */
  at(timeMs: number): void {
    if (timeMs >= this.#dueMs) return
    this.#dueMs = timeMs
    this.#wait()
  }

  /** Forgets what it was told. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#dueMs = Infinity
  }

  #wait(): void {
    clearTimeout(this.#timer)
    const waitMs = this.#dueMs - Date.now()
    if (waitMs <= 0) this.#stop()
    else this.#timer = setTimeout(() => this.#wait(), Math.min(waitMs, MAX_WAIT_MS))
  }
}
