import type { Logger } from '@libp2p/interface'

/** The times between rounds, in ms. */
export interface RoundTimes {
  /** Never less. */
  minGapMs: number
  /** Used where a round does not come to tell the time of the next. */
  fallbackMs: number
}

/** Runs rounds, one after the other, whatever happens in them. */
export class RoundTimer {
  readonly #times: RoundTimes
  readonly #onRound: () => number
  readonly #log: Logger
  #timer: ReturnType<typeof setTimeout> | undefined
  #isRunning = false
  #lastAt = -Infinity
  #dueAt = Infinity

  /** `onRound` returns the time to the next round in ms. */
  constructor(times: RoundTimes, onRound: () => number, log: Logger) {
    this.#times = times
    this.#onRound = onRound
    this.#log = log
  }

  /** The first round follows at once. */
  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#arm(this.#soonest())
  }

  stop(): void {
    this.#isRunning = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = Infinity
  }

  /** Brings the next round forward as far as may be. */
  hasten(): void {
    if (this.#isRunning) this.#arm(Math.min(this.#soonest(), this.#dueAt))
  }

  #soonest(): number {
    return Math.max(performance.now(), this.#lastAt + this.#times.minGapMs)
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, dueAt - performance.now()))
  }

  #fire(): void {
    const now = performance.now()
    this.#lastAt = now
    this.#dueAt = Infinity
    let delayMs = this.#times.fallbackMs
    try {
      delayMs = this.#onRound()
    } catch (err) {
      this.#log.error('a round failed - %e', err)
    }
    // It may have been hastened, or stopped, meanwhile.
    if (this.#isRunning) this.#arm(Math.min(this.#dueAt, now + Math.max(delayMs, this.#times.minGapMs)))
  }
}
