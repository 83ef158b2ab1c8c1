import { DEFAULT_LATENCY_WINDOW } from './constants.ts'
import type { LatencySummary } from './index.ts'
import { Ring } from './ring.ts'

// RFC 6298, section 2.
const ALPHA = 1 / 8
const BETA = 1 / 4

/** Round trips of one peer: smoothed and jitter as in RFC 6298, percentiles over the newest samples. */
export class LatencyStats {
  readonly #window: Ring<number>
  #lastMs = 0
  #smoothedMs = 0
  #jitterMs = 0

  /** Percentiles are over the newest `windowSize` samples. @throws {RangeError} unless that is a whole number above 0 */
  constructor(windowSize: number = DEFAULT_LATENCY_WINDOW) {
    if (!(Number.isSafeInteger(windowSize) && windowSize > 0)) {
      throw new RangeError(`windowSize ${windowSize} must be a whole number above 0`)
    }
    this.#window = new Ring(windowSize)
  }

  /** The smoothed round trip in ms; `undefined` before the first sample. */
  get smoothedMs(): number | undefined {
    return this.#window.length === 0 ? undefined : this.#smoothedMs
  }

  /** Takes one round trip. @throws {RangeError} unless it is a finite number, 0 or more */
  add(roundTripMs: number): void {
    if (!(roundTripMs >= 0 && roundTripMs < Infinity)) {
      throw new RangeError(`roundTripMs ${roundTripMs} must be a finite number, 0 or more`)
    }
    if (this.#window.length === 0) {
      this.#smoothedMs = roundTripMs
      this.#jitterMs = roundTripMs / 2
    } else {
      // The jitter first: it is the deviation from what was expected before this sample.
      this.#jitterMs += BETA * (Math.abs(this.#smoothedMs - roundTripMs) - this.#jitterMs)
      this.#smoothedMs += ALPHA * (roundTripMs - this.#smoothedMs)
    }
    this.#lastMs = roundTripMs
    this.#window.push(roundTripMs)
  }

  /** All figures; `undefined` before the first sample. */
  summary(): LatencySummary | undefined {
    if (this.#window.length === 0) return undefined
    const sorted = this.#window.toArray().toSorted((a, b) => a - b)
    return {
      lastMs: this.#lastMs,
      smoothedMs: this.#smoothedMs,
      jitterMs: this.#jitterMs,
      p50Ms: nearestRank(sorted, 50),
      p95Ms: nearestRank(sorted, 95),
      p99Ms: nearestRank(sorted, 99),
      samples: sorted.length,
    }
  }
}

/** A percentile that is one of the samples: no latency is told that nobody measured. */
function nearestRank(sorted: readonly number[], percentile: number): number {
  return sorted[Math.max(Math.ceil((percentile / 100) * sorted.length), 1) - 1] ?? 0
}
