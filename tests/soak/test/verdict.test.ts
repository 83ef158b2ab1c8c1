import fc from 'fast-check'
import { expect, it } from 'vitest'
import { boundOf, MIN_SAMPLES } from '../src/bounds.ts'
import { growth, median, slope } from '../src/statistics.ts'
import { afterWarmUp, judge, type Sample } from '../src/verdict.ts'

/** Time between two samples of a short run, in ms. */
const ROUND_MS = 5_000
const NAMES = ['heap', 'rss', 'streams', 'buffers', 'streams half closed', 'kept streams', 'active Timeout']

function samples(name: string, values: readonly number[]): Sample[] {
  return values.map((value, index) => ({ atMs: index * ROUND_MS, values: { [name]: value } }))
}

function isFlat(name: string, values: readonly number[]): boolean {
  return judge(samples(name, values)).every((line) => line.isFlat)
}

it('calls noise flat while its span is within the bound on growth', () => {
  const runs = fc.constantFrom(...NAMES).chain((name) => {
    const span = boundOf(name).growth
    const values = fc.array(fc.integer({ min: 0, max: span }), { minLength: 3, maxLength: 120 })
    return fc.record({ name: fc.constant(name), level: fc.nat(100_000), values })
  })
  fc.assert(
    fc.property(runs, ({ name, level, values }) => {
      expect(
        isFlat(
          name,
          values.map((value) => level + value),
        ),
      ).toBe(true)
    }),
  )
})

it('finds a leak that is over both bounds, whatever noise within half the bound on growth is on it', () => {
  const runs = fc.constantFrom(...NAMES).chain((name) => {
    const { growth: bound } = boundOf(name)
    const noise = fc.array(fc.integer({ min: 0, max: Math.floor(bound / 2) }), { minLength: 9, maxLength: 120 })
    return fc.record({ name: fc.constant(name), noise })
  })
  fc.assert(
    fc.property(runs, ({ name, noise }) => {
      // Over a third of the samples, two times the bound: noise takes less than one of them back.
      const { growth: bound, slopePerMinute } = boundOf(name)
      const perRound = Math.max((6 * bound) / noise.length, (3 * slopePerMinute * ROUND_MS) / 60_000)
      expect(
        isFlat(
          name,
          noise.map((value, round) => value + round * perRound),
        ),
      ).toBe(false)
    }),
  )
})

it('calls anything that shrinks flat', () => {
  expect(isFlat('heap', [9e6, 8e6, 7e6, 6e6, 5e6, 4e6])).toBe(true)
})

it('calls one outlier flat wherever it is', () => {
  for (let at = 0; at < 9; at++) {
    const values = Array.from({ length: 9 }, (_, index) => (index === at ? 1e9 : 20))
    expect(isFlat('streams', values)).toBe(true)
  }
})

it('finds one leaked stream, socket or timer a round in the shortest run', () => {
  for (const name of ['streams of the oldest link', 'active TCPSocketWrap', 'active Timeout', 'listeners to libp2p']) {
    const values = Array.from({ length: MIN_SAMPLES }, (_, round) => 20 + round)
    expect(judge(afterWarmUp(samples(name, values)))).toMatchObject([{ isFlat: false }])
  }
})

it('leaves out what was sampled in the warm-up', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  expect(afterWarmUp(samples('heap', values)).map((sample) => sample.values['heap'])).toEqual([4, 5, 6, 7, 8, 9, 10])
})

it('counts what is missing in a sample as 0', () => {
  const line = judge([...samples('other', [0]), ...samples('streams', [4])]).find(({ name }) => name === 'streams')
  expect(line).toMatchObject({ start: 0, end: 4, max: 4 })
})

it('takes the lower of two middle values, and compares thirds', () => {
  expect(median([4, 1, 3, 2])).toBe(2)
  expect(growth([1, 1, 5, 9, 4, 4])).toBe(3)
})

it('fits a line by least squares, and a level one through points at one moment', () => {
  expect(slope([0, 1, 2], [1, 3, 5])).toBe(2)
  expect(slope([0, 1, 2, 3], [0, 0, 0, 1])).toBeCloseTo(0.3)
  expect(slope([1, 1], [0, 9])).toBe(0)
})
