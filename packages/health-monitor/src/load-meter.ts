import type { LoadLevel } from '@gridmesh/interfaces'
import {
  DEFAULT_BUSY_DELAY_MS,
  DEFAULT_BUSY_QUEUE_DEPTH,
  DEFAULT_CALM_SHARE,
  DEFAULT_HOLD_SAMPLES,
  DEFAULT_OVERLOADED_DELAY_MS,
  DEFAULT_OVERLOADED_QUEUE_DEPTH,
} from './constants.ts'
import type { LoadMeterInit, LoadSample } from './index.ts'

/** The thresholds of a meter with every default applied. */
export type LoadRules = Readonly<Required<LoadMeterInit>>

/** Least loaded first. */
export const LOAD_LEVELS = ['normal', 'busy', 'overloaded'] as const satisfies readonly LoadLevel[]

/** Applies the defaults. @throws {RangeError} for thresholds that are out of order or out of range */
export function resolveLoadRules(init: LoadMeterInit = {}): LoadRules {
  const {
    busyDelayMs = DEFAULT_BUSY_DELAY_MS,
    overloadedDelayMs = DEFAULT_OVERLOADED_DELAY_MS,
    busyQueueDepth = DEFAULT_BUSY_QUEUE_DEPTH,
    overloadedQueueDepth = DEFAULT_OVERLOADED_QUEUE_DEPTH,
    calmShare = DEFAULT_CALM_SHARE,
    holdSamples = DEFAULT_HOLD_SAMPLES,
  } = init
  demandOrder('busyDelayMs', busyDelayMs, 'overloadedDelayMs', overloadedDelayMs)
  demandOrder('busyQueueDepth', busyQueueDepth, 'overloadedQueueDepth', overloadedQueueDepth)
  if (!(calmShare > 0 && calmShare <= 1)) throw new RangeError(`calmShare ${calmShare} must be above 0 and at most 1`)
  if (!(Number.isSafeInteger(holdSamples) && holdSamples >= 2)) {
    throw new RangeError(`holdSamples ${holdSamples} must be a whole number, 2 or more`)
  }
  return { busyDelayMs, overloadedDelayMs, busyQueueDepth, overloadedQueueDepth, calmShare, holdSamples }
}

/**
 * Turns samples of event-loop delay and queue depth into a level. It rises at once to what a sample calls for; it falls
 * after `holdSamples` samples in a row below the `calmShare` of a threshold, to the highest level among them. After any
 * change the way back is barred for `holdSamples` samples, so that modules do not shed and take in by turns.
 */
export class LoadMeter {
  readonly #rules: LoadRules
  #rank = 0
  #direction = 0
  #sinceChange = 0
  #calmSamples = 0
  #calmRank = 0

  /** @throws {RangeError} when a threshold is out of range */
  constructor(init: LoadMeterInit = {}) {
    this.#rules = resolveLoadRules(init)
  }

  /** The level after the newest sample. */
  get level(): LoadLevel {
    return LOAD_LEVELS[this.#rank] ?? 'normal'
  }

  /** Takes a sample and returns the level that follows from it. Figures that are no number count as 0. */
  update(sample: LoadSample): LoadLevel {
    this.#sinceChange += 1
    const keepRank = this.#rankOf(sample, this.#rules.calmShare)
    const isCalm = keepRank < this.#rank
    this.#calmRank = this.#calmSamples === 0 ? keepRank : Math.max(this.#calmRank, keepRank)
    this.#calmSamples = isCalm ? this.#calmSamples + 1 : 0

    const enterRank = this.#rankOf(sample, 1)
    if (enterRank > this.#rank) this.#move(enterRank, 1)
    else if (this.#calmSamples >= this.#rules.holdSamples) this.#move(this.#calmRank, -1)
    return this.level
  }

  /** Forgets all samples: the level is `normal` again. */
  reset(): void {
    this.#rank = 0
    this.#direction = 0
    this.#sinceChange = 0
    this.#calmSamples = 0
  }

  #move(rank: number, direction: 1 | -1): void {
    const isReversal = this.#direction === -direction
    if (isReversal && this.#sinceChange < this.#rules.holdSamples) return
    this.#rank = rank
    this.#direction = direction
    this.#sinceChange = 0
    this.#calmSamples = 0
  }

  #rankOf({ delayMs, queueDepth = 0 }: LoadSample, share: number): number {
    const { busyDelayMs, overloadedDelayMs, busyQueueDepth, overloadedQueueDepth } = this.#rules
    if (delayMs >= overloadedDelayMs * share || queueDepth >= overloadedQueueDepth * share) return 2
    return delayMs >= busyDelayMs * share || queueDepth >= busyQueueDepth * share ? 1 : 0
  }
}

function demandOrder(lowName: string, low: number, highName: string, high: number): void {
  if (!(low > 0)) throw new RangeError(`${lowName} ${low} must be above 0`)
  if (!(high >= low)) throw new RangeError(`${highName} ${high} must be at least ${lowName}, ${low}`)
}
