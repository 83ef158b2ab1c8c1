import { BYTES_BUCKETS, SECONDS_BUCKETS } from './constants.ts'
import type { Distribution } from './quantiles.ts'

/** Buckets that suit the unit at the end of a metric's name; seconds where it names none. */
export function bucketsFor(name: string): readonly number[] {
  if (name.endsWith('_bytes')) return BYTES_BUCKETS
  if (/_(ms|milliseconds)$/.test(name)) return SECONDS_BUCKETS.map((bound) => bound * 1_000)
  return SECONDS_BUCKETS
}

/** Counts values by bucket, for each label value apart. */
export class Buckets {
  readonly bounds: readonly number[]
  readonly #series = new Map<string, { counts: number[]; sum: number }>()

  /** @throws {RangeError} when there is no bound, or they are not finite and ascending */
  constructor(bounds: readonly number[]) {
    const isAscending = bounds.every((bound, i) => Number.isFinite(bound) && bound > (bounds[i - 1] ?? -Infinity))
    if (bounds.length === 0 || !isAscending) throw new RangeError(`buckets [${bounds.join(', ')}] must be ascending`)
    this.bounds = [...bounds]
  }

  /** Label values that were given, in the order they came. */
  get series(): ReadonlyMap<string, Distribution> {
    return this.#series
  }

  /** Counts `times` values that lie in one bucket and sum up to `sum`. */
  add(label: string, value: number, times = 1, sum = value): void {
    let series = this.#series.get(label)
    if (series == null) {
      series = { counts: Array.from({ length: this.bounds.length + 1 }, () => 0), sum: 0 }
      this.#series.set(label, series)
    }
    const found = this.bounds.findIndex((bound) => value <= bound)
    const index = found === -1 ? this.bounds.length : found
    series.counts[index] = (series.counts[index] ?? 0) + times
    series.sum += sum
  }

  /** Counts of one label value, or of all together. */
  total(label?: string): Distribution {
    const counts = Array.from({ length: this.bounds.length + 1 }, () => 0)
    let sum = 0
    for (const [key, series] of this.#series) {
      if (label != null && key !== label) continue
      for (const [index, count] of series.counts.entries()) counts[index] = (counts[index] ?? 0) + count
      sum += series.sum
    }
    return { counts, sum }
  }

  clear(): void {
    this.#series.clear()
  }
}
