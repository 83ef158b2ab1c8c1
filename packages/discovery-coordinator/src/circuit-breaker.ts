/** How a breaker reacts. */
export interface BreakerInit {
  /** Failures in a row that open it. */
  failures: number
  /** How long it is open the first time, in ms; each further time twice as long. */
  coolDownMs: number
  /** How long it is open at most, in ms. */
  maxCoolDownMs: number
}

/**
 * - `closed`: calls pass
 * - `open`: none does until the cool-down is over
 * - `half-open`: one is under way that decides
 */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Spares what keeps failing, and tries it again now and then. */
export class CircuitBreaker {
  readonly #init: BreakerInit
  #state: BreakerState = 'closed'
  #failures = 0
  #openings = 0
  #openUntil = 0

  constructor(init: BreakerInit) {
    this.#init = init
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When the cool-down is over, on the clock of `performance.now()`; in the past unless open. */
  get openUntil(): number {
    return this.#openUntil
  }

  /** Lets a call pass, or not. Whoever passes tells what came of it; `force` passes an open breaker as its trial. */
  tryPass(force = false): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'half-open' || (!force && performance.now() < this.#openUntil)) return false
    this.#state = 'half-open'
    return true
  }

  succeeded(): void {
    this.reset()
  }

  failed(): void {
    const { failures, coolDownMs, maxCoolDownMs } = this.#init
    this.#failures++
    if (this.#state === 'closed' && this.#failures < failures) return
    this.#openUntil = performance.now() + Math.min(coolDownMs * 2 ** this.#openings, maxCoolDownMs)
    this.#openings++
    this.#state = 'open'
  }

  /** The call was given up for reasons of our own. */
  cancelled(): void {
    if (this.#state === 'half-open') this.#state = 'open'
  }

  /** As if nothing had failed. */
  reset(): void {
    this.#state = 'closed'
    this.#failures = 0
    this.#openings = 0
    this.#openUntil = 0
  }
}
