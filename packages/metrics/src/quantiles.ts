import type { Quantiles } from './index.ts'

/** Values counted by bucket. */
export interface Distribution {
  /** Values in each bucket, not summed up, and in the last place those above all buckets. */
  counts: readonly number[]
  sum: number
}

/** Estimates quantiles from upper bounds, ascending, and counts; `undefined` where nothing was counted. */
export function quantilesOf(bounds: readonly number[], { counts, sum }: Distribution): Quantiles | undefined {
  const count = counts.reduce((total, inBucket) => total + inBucket, 0)
  if (count === 0) return undefined
  const at = (share: number): number => quantile(bounds, counts, share * count)
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), mean: sum / count, count }
}

/** Walks to the bucket that holds the value of a rank, and takes the values in it as spread evenly. */
function quantile(bounds: readonly number[], counts: readonly number[], rank: number): number {
  let below = 0
  for (const [index, upper] of bounds.entries()) {
    const inBucket = counts[index] ?? 0
    if (inBucket > 0 && below + inBucket >= rank) {
      const lower = bounds[index - 1] ?? Math.min(0, upper)
      return lower + (upper - lower) * ((rank - below) / inBucket)
    }
    below += inBucket
  }
  // Above the last bound nothing is known but that.
  return bounds.at(-1) ?? Number.NaN
}
