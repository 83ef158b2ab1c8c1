import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Buckets, bucketsFor } from '../src/buckets.ts'
import { quantilesOf } from '../src/quantiles.ts'

it('counts a value on a bound within it, and one above all bounds apart', () => {
  const buckets = new Buckets([1, 2])
  for (const value of [1, 1.5, 2, 2.5, -1]) buckets.add('', value)

  expect(buckets.total()).toEqual({ counts: [2, 2, 1], sum: 6 })
})

it('counts label values apart and together', () => {
  const buckets = new Buckets([1])
  buckets.add('a', 1)
  buckets.add('b', 3)

  expect(buckets.total('a')).toEqual({ counts: [1, 0], sum: 1 })
  expect(buckets.total()).toEqual({ counts: [1, 1], sum: 4 })
  expect(buckets.total('c')).toEqual({ counts: [0, 0], sum: 0 })
})

it.each([[[]], [[2, 1]], [[1, 1]], [[Number.NaN]], [[1, Infinity]]])('refuses the bounds %j', (bounds) => {
  expect(() => new Buckets(bounds)).toThrow(RangeError)
})

it('chooses bounds by the unit at the end of a name', () => {
  expect(bucketsFor('x_seconds').at(0)).toBe(0.001)
  expect(bucketsFor('x_seconds').at(-1)).toBe(10)
  expect(bucketsFor('x_ms').at(-1)).toBe(10_000)
  expect(bucketsFor('x_bytes').at(-1)).toBe(67_108_864)
})

it('knows no quantile of nothing', () => {
  expect(quantilesOf([1], { counts: [0, 0], sum: 0 })).toBeUndefined()
})

it('takes the values in a bucket as spread evenly', () => {
  const quantiles = quantilesOf([1, 2, 4], { counts: [50, 45, 5, 0], sum: 120 })
  expect(quantiles).toEqual({ p50: 1, p95: 2, p99: 3.6, mean: 1.2, count: 100 })
})

it('says the highest bound of values that are above it', () => {
  expect(quantilesOf([1, 2], { counts: [0, 0, 3], sum: 30 })).toMatchObject({ p50: 2, p99: 2, mean: 10 })
})

it('puts every quantile into the bucket that the true one is in', () => {
  const bounds = [1, 2, 5, 10, 20]
  const value = fc.double({ min: 0, max: 20, noNaN: true })
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
      const buckets = new Buckets(bounds)
      for (const one of values) buckets.add('', one)
      const sorted = values.toSorted((a, b) => a - b)
      const found = quantilesOf(bounds, buckets.total())
      const estimates = [found?.p50 ?? -1, found?.p95 ?? -1, found?.p99 ?? -1] as const

      expect(estimates.toSorted((a, b) => a - b)).toEqual(estimates)
      for (const [index, share] of [0.5, 0.95, 0.99].entries()) {
        const truth = sorted[Math.ceil(share * sorted.length) - 1] ?? -1
        const upper = bounds.find((bound) => truth <= bound) ?? -1
        const lower = bounds.findLast((bound) => bound < upper) ?? 0
        expect(estimates[index]).toBeGreaterThanOrEqual(lower)
        expect(estimates[index]).toBeLessThanOrEqual(upper)
      }
    }),
  )
})
