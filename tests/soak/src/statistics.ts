/** The middle value; of an even number, the lower one of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Slope of the line through the points that has the least squares. 0 where there are not two different `xs`. */
export function slope(xs: readonly number[], ys: readonly number[]): number {
  const [meanX, meanY] = [mean(xs), mean(ys)]
  let covariance = 0
  let variance = 0
  for (const [index, x] of xs.entries()) {
    covariance += (x - meanX) * ((ys[index] ?? meanY) - meanY)
    variance += (x - meanX) ** 2
  }
  return variance === 0 ? 0 : covariance / variance
}

/** By how much the last third of the values is above the first third, median against median: a few outliers do not show. */
export function growth(values: readonly number[]): number {
  const third = Math.max(1, Math.floor(values.length / 3))
  return median(values.slice(-third)) - median(values.slice(0, third))
}
