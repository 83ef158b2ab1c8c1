import { checkCount, checkTime } from './checks.ts'
import { DEFAULT_COOL_DOWN_MS, DEFAULT_FAILURE_THRESHOLD, DEFAULT_MAX_HISTORY, MAX_TIMER_MS } from './constants.ts'
import { History } from './history.ts'

/** Closed lets all pass, open nothing, half-open one probe. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Options of a circuit breaker. */
export interface CircuitBreakerInit {
  /** Failures in a row that open the breaker. @default 5 */
  failureThreshold?: number
  /** Time that nothing passes once it is open, in ms. @default 60_000 */
  coolDownMs?: number
  /** Changes remembered; the oldest are forgotten. @default 20 */
  maxHistory?: number
}

/** A change of a breaker. */
export interface BreakerChange {
  readonly from: BreakerState
  readonly to: BreakerState
  /** When, in ms since the epoch. */
  readonly atMs: number
}

/**
 * Stops work that keeps failing. It opens after some failures in a row, lets one probe pass after the cool-down, and
 * closes again when that succeeds. It has no timer: the cool-down ends when somebody looks.
 */
export class CircuitBreaker {
  readonly #threshold: number
  readonly #coolDownMs: number
  readonly #history: History<BreakerChange>
  #state: BreakerState = 'closed'
  #failures = 0
  #openedAt = 0
  #isProbing = false

  /** @throws {RangeError} when an option is out of its range */
  constructor(init: CircuitBreakerInit = {}) {
    const { failureThreshold = DEFAULT_FAILURE_THRESHOLD, coolDownMs = DEFAULT_COOL_DOWN_MS } = init
    const { maxHistory = DEFAULT_MAX_HISTORY } = init
    checkCount('failureThreshold', failureThreshold, 1)
    checkTime('coolDownMs', coolDownMs, 1, MAX_TIMER_MS)
    checkCount('maxHistory', maxHistory, 0)
    this.#threshold = failureThreshold
    this.#coolDownMs = coolDownMs
    this.#history = new History(maxHistory)
  }

  /** Where it stands now. */
  get state(): BreakerState {
    if (this.#state === 'open' && this.#coolsForMs() === 0) this.#change('half-open')
    return this.#state
  }

  /** The newest changes, oldest first. */
  get history(): readonly BreakerChange[] {
    return this.#history.entries
  }

  /** Time until something may pass, in ms; 0 unless open. */
  get retryAfterMs(): number {
    return this.state === 'open' ? this.#coolsForMs() : 0
  }

  /** Asks to begin; `false` while it is open, and while a probe is under way. Every `true` is owed an outcome. */
  tryBegin(): boolean {
    const { state } = this
    if (state === 'closed') return true
    if (state === 'open' || this.#isProbing) return false
    this.#isProbing = true
    return true
  }

  /** What began succeeded: closes. */
  succeed(): void {
    this.#failures = 0
    this.#isProbing = false
    if (this.state !== 'closed') this.#change('closed')
  }

  /** What began failed: opens at the threshold, or when it was the probe. */
  fail(): void {
    const { state } = this
    // Work that began before it opened tells nothing new.
    if (state === 'open') return
    this.#failures += 1
    if (state === 'closed' && this.#failures < this.#threshold) return
    this.#isProbing = false
    this.#openedAt = performance.now()
    this.#change('open')
  }

  /** What began was called off, and counts neither way. */
  cancel(): void {
    this.#isProbing = false
  }

  #coolsForMs(): number {
    return Math.max(0, this.#openedAt + this.#coolDownMs - performance.now())
  }

  #change(to: BreakerState): void {
    this.#history.add({ from: this.#state, to, atMs: Date.now() })
    this.#state = to
  }
}
