/** What the schedule follows. */
export interface ScheduleInit {
  minPeers: number
  targetPeers: number
  /** Ready peers that we dialled, below which it is urgent too. */
  minOutbound: number
  /** Time between rounds below the minimum, in ms. */
  intervalMs: number
  /** Time between rounds at the target, and the longest there is, in ms. */
  maxIntervalMs: number
}

/** Ready peers. */
export interface ReadyCounts {
  all: number
  /** Those that we dialled. */
  outbound: number
}

/**
 * When to look again. Below a minimum at once, between minimum and target the more patiently the nearer the target is,
 * and either less and less often while nothing comes of it: a network may have no more peers than that.
 */
export class Schedule {
  readonly #init: ScheduleInit
  #fruitless = 0
  #fruitlessOutbound = 0
  #fruitlessPatient = 0

  constructor(init: ScheduleInit) {
    this.#init = init
  }

  /** Rounds below the minimum of all in a row that brought nothing. */
  get fruitless(): number {
    return this.#fruitless
  }

  /** The time from this round to the next, in ms; `hasNews` tells whether anything came since the last. */
  next(ready: ReadyCounts, hasNews: boolean): number {
    const { minPeers, minOutbound, intervalMs, maxIntervalMs } = this.#init
    const isBelow = ready.all < minPeers
    const isShort = !isBelow && ready.outbound < minOutbound
    this.#fruitless = isBelow && !hasNews ? this.#fruitless + 1 : 0
    this.#fruitlessOutbound = isShort && !hasNews ? this.#fruitlessOutbound + 1 : 0
    this.#fruitlessPatient = !isBelow && !hasNews ? this.#fruitlessPatient + 1 : 0
    const urgentMs = Math.min(intervalMs * 2 ** (this.#fruitless + this.#fruitlessOutbound), maxIntervalMs)
    if (isBelow) return urgentMs
    return isShort ? Math.min(urgentMs, this.#patientMs(ready.all)) : this.#patientMs(ready.all)
  }

  /** The next round follows quickly again. */
  reset(): void {
    this.#fruitless = 0
    this.#fruitlessOutbound = 0
    this.#fruitlessPatient = 0
  }

  #patientMs(readyPeers: number): number {
    const { minPeers, targetPeers, intervalMs, maxIntervalMs } = this.#init
    if (readyPeers >= targetPeers) return maxIntervalMs
    const way = (readyPeers - minPeers + 1) / (targetPeers - minPeers + 1)
    const patientMs = intervalMs + (maxIntervalMs - intervalMs) * way
    return Math.min(patientMs * 2 ** this.#fruitlessPatient, maxIntervalMs)
  }
}
