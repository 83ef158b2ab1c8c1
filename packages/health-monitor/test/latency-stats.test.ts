import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { LatencyStats } from '../src/index.ts'

function of(...samples: number[]): LatencyStats {
  const stats = new LatencyStats()
  for (const sample of samples) stats.add(sample)
  return stats
}

it('knows nothing before the first sample', () => {
  expect(of().smoothedMs).toBeUndefined()
  expect(of().summary()).toBeUndefined()
})

it('starts as RFC 6298 says: the sample, and half of it', () => {
  expect(of(80).summary()).toMatchObject({ lastMs: 80, smoothedMs: 80, jitterMs: 40, samples: 1 })
})

it('goes on as RFC 6298 says: the jitter by a quarter of the deviation, then the smoothed by an eighth', () => {
  // RTTVAR = 3/4 × 40 + 1/4 × |80 − 160| = 50; SRTT = 7/8 × 80 + 1/8 × 160 = 90.
  expect(of(80, 160).summary()).toMatchObject({ lastMs: 160, smoothedMs: 90, jitterMs: 50 })
})

it('tells percentiles that are samples', () => {
  const summary = of(...Array.from({ length: 100 }, (_, index) => 100 - index)).summary()
  expect(summary).toMatchObject({ p50Ms: 50, p95Ms: 95, p99Ms: 99 })
  expect(of(7).summary()).toMatchObject({ p50Ms: 7, p95Ms: 7, p99Ms: 7 })
})

it('drops the oldest sample beyond the window', () => {
  const stats = new LatencyStats(2)
  for (const sample of [1_000, 1, 2]) stats.add(sample)
  expect(stats.summary()).toMatchObject({ p99Ms: 2, samples: 2 })
})

it('orders percentiles, and keeps the smoothed round trip among the samples, for any samples', () => {
  const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(samples, (all) => {
      const summary = of(...all).summary()
      expect(summary?.samples).toBe(Math.min(all.length, 128))
      if (summary === undefined) return
      expect(summary.p50Ms).toBeLessThanOrEqual(summary.p95Ms)
      expect(summary.p95Ms).toBeLessThanOrEqual(summary.p99Ms)
      expect(all).toContain(summary.p50Ms)
      expect(summary.smoothedMs).toBeGreaterThanOrEqual(Math.min(...all) - 1e-6)
      expect(summary.smoothedMs).toBeLessThanOrEqual(Math.max(...all) + 1e-6)
      expect(summary.jitterMs).toBeGreaterThanOrEqual(0)
    }),
  )
})

it.each([-1, Number.NaN, Infinity])('refuses a round trip of %d', (sample) => {
  expect(() => of(sample)).toThrow(`roundTripMs ${sample}`)
})

it.each([0, 1.5, Number.NaN])('refuses a window of %d', (size) => {
  expect(() => new LatencyStats(size)).toThrow(`windowSize ${size}`)
})
