/** What the schedule follows. */
export interface ScheduleInit {
  minPeers: number
  targetPeers: number
  /** Time between rounds below the minimum, in ms. */
  intervalMs: number
  /** Time between rounds at the target, and the longest there is, in ms. */
  maxIntervalMs: number
}

/**
 * When to look again. Below the minimum at once, but less and less often while nothing comes of it; between minimum and
 * target the more patiently the nearer the target is.
 */
export class Schedule {
  readonly #init: ScheduleInit
  #fruitless = 0

  constructor(init: ScheduleInit) {
    this.#init = init
  }

  /** Rounds below the minimum in a row that brought nothing. */
  get fruitless(): number {
    return this.#fruitless
  }

  /** The time from this round to the next, in ms; `hasNews` tells whether anything came since the last. */
  next(readyPeers: number, hasNews: boolean): number {
    const { minPeers, targetPeers, intervalMs, maxIntervalMs } = this.#init
    if (readyPeers < minPeers) {
      this.#fruitless = hasNews ? 0 : this.#fruitless + 1
      return Math.min(intervalMs * 2 ** this.#fruitless, maxIntervalMs)
    }
    this.#fruitless = 0
    if (readyPeers >= targetPeers) return maxIntervalMs
    const way = (readyPeers - minPeers + 1) / (targetPeers - minPeers + 1)
    return intervalMs + (maxIntervalMs - intervalMs) * way
  }

  /** The next round below the minimum follows quickly again. */
  reset(): void {
    this.#fruitless = 0
  }
}
