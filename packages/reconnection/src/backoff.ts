import { checkTime } from './checks.ts'
import {
  DEFAULT_FACTOR,
  DEFAULT_INITIAL_DELAY_MS,
  DEFAULT_LATER_DELAY_MS,
  DEFAULT_MAX_DELAY_MS,
  MAX_TIMER_MS,
} from './constants.ts'

/** Options of a backoff. */
export interface BackoffInit {
  /** Ceiling of the first delay, in ms. @default 1_000, or `maxDelayMs` if less */
  initialDelayMs?: number
  /** What the ceiling is multiplied by after each delay, 1 or more. @default 2 */
  factor?: number
  /** Cap of all delays, in ms; the ceiling grows no further. @default 300_000 */
  maxDelayMs?: number
  /** Least ceiling of a delay for what will not be cured soon, in ms. @default 30_000, or `maxDelayMs` if less */
  laterDelayMs?: number
}

/**
 * Delays that grow exponentially up to a cap, with full jitter: each is drawn evenly from 0 to the ceiling, so that
 * nodes that lost the same peer at the same moment do not come back at the same moment.
 */
export class Backoff {
  readonly #init: Required<BackoffInit>
  #taken = 0

  /** @throws {RangeError} when an option is out of its range */
  constructor(init: BackoffInit = {}) {
    const { factor = DEFAULT_FACTOR, maxDelayMs = DEFAULT_MAX_DELAY_MS } = init
    const initialDelayMs = init.initialDelayMs ?? Math.min(DEFAULT_INITIAL_DELAY_MS, maxDelayMs)
    const laterDelayMs = init.laterDelayMs ?? Math.min(DEFAULT_LATER_DELAY_MS, maxDelayMs)
    checkTime('maxDelayMs', maxDelayMs, 1, MAX_TIMER_MS)
    checkTime('initialDelayMs', initialDelayMs, 1, maxDelayMs)
    checkTime('laterDelayMs', laterDelayMs, 1, maxDelayMs)
    if (!(factor >= 1 && factor < Infinity)) throw new RangeError(`factor ${factor} must be 1 or more`)
    this.#init = { factor, maxDelayMs, initialDelayMs, laterDelayMs }
  }

  /** Delays taken since the last reset. */
  get taken(): number {
    return this.#taken
  }

  /** No delay that `next` gives now is longer, in ms. */
  get ceilingMs(): number {
    const { initialDelayMs, factor, maxDelayMs } = this.#init
    return Math.min(maxDelayMs, initialDelayMs * factor ** this.#taken)
  }

  /** The next delay, from 0 to the ceiling, in ms; the ceiling grows. */
  next(): number {
    const delayMs = Math.random() * this.ceilingMs
    this.#taken += 1
    return delayMs
  }

  /**
   * The next delay for what will not be cured soon: from half to all of the ceiling, which is `laterDelayMs` at least.
   */
  later(): number {
    const ceilingMs = Math.max(this.ceilingMs, this.#init.laterDelayMs)
    this.#taken += 1
    return ceilingMs * (0.5 + 0.5 * Math.random())
  }

  /** Begins anew with the first delay. */
  reset(): void {
    this.#taken = 0
  }
}
