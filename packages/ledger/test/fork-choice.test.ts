import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { authority, type ForkChoice, longest, timestampReputation } from '../src/index.ts'

/** Few values each, so that ties are common. */
const tips = fc.uniqueArray(fc.nat(60), { minLength: 3, maxLength: 3 }).chain((hashes) =>
  fc.tuple(
    ...hashes.map((hash) =>
      fc.record({
        hash: fc.constant(Uint8Array.of(hash)),
        isFinalisedBranch: fc.boolean(),
        endorsedWeight: fc.nat(1),
        gridSequence: fc.nat(1),
        height: fc.nat(1),
        timeMs: fc.nat(1),
        reputation: fc.nat(1),
      }),
    ),
  ),
)
type Tip = typeof tips extends fc.Arbitrary<(infer T)[]> ? T : never

const choices: [string, ForkChoice<Tip>][] = [
  ['authority', authority],
  ['timestampReputation', timestampReputation],
  ['longest', longest],
]

it.each(choices)('%s is a total order: of two exactly one is better, and better than better is better', (_, choice) => {
  fc.assert(
    fc.property(tips, ([a, b, c]) => {
      if (a === undefined || b === undefined || c === undefined) throw new RangeError('three tips')
      expect(choice.better(a, a)).toBe(false)
      expect(choice.better(a, b)).toBe(!choice.better(b, a))
      const isChain = choice.better(a, b) && choice.better(b, c)
      expect(!isChain || choice.better(a, c)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

const tip: Tip = {
  hash: Uint8Array.of(5),
  isFinalisedBranch: false,
  endorsedWeight: 1,
  gridSequence: 1,
  height: 1,
  timeMs: 1,
  reputation: 1,
}
const smaller = { hash: Uint8Array.of(4) }

it('authority goes by finality, weight, grid state, height and hash, in this order', () => {
  const worse = { isFinalisedBranch: false, endorsedWeight: 0, gridSequence: 0, height: 0 }
  expect(authority.better({ ...tip, ...worse, isFinalisedBranch: true }, { ...tip, ...smaller })).toBe(true)
  expect(authority.better({ ...tip, ...worse, endorsedWeight: 2 }, { ...tip, ...smaller })).toBe(true)
  expect(authority.better({ ...tip, gridSequence: 2, height: 0 }, { ...tip, ...smaller })).toBe(true)
  expect(authority.better({ ...tip, height: 2 }, { ...tip, ...smaller })).toBe(true)
  expect(authority.better({ ...tip, ...smaller }, tip)).toBe(true)
})

it('timestampReputation goes by the earlier time, reputation and hash, in this order', () => {
  expect(timestampReputation.better({ ...tip, timeMs: 0, reputation: 0 }, { ...tip, ...smaller })).toBe(true)
  expect(timestampReputation.better({ ...tip, reputation: 2 }, { ...tip, ...smaller })).toBe(true)
  expect(timestampReputation.better({ ...tip, ...smaller }, tip)).toBe(true)
})

it('longest goes by height and hash', () => {
  expect(longest.better({ ...tip, height: 2 }, { ...tip, ...smaller })).toBe(true)
  expect(longest.better({ ...tip, ...smaller }, tip)).toBe(true)
})
