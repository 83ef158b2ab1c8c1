import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type HeaderFacts,
  type PoaForkChoice,
  poaRules,
  type PoaRulesInit,
  type PoaStanding,
  type RatedTip,
} from '../src/index.ts'
import { addressesOf, GENESIS } from './blocks.ts'

type Tip = RatedTip<PoaStanding>
const CHOICES: PoaForkChoice[] = ['authority', 'timestampReputation', 'longest']

/** Few values each, so that ties are common. */
const anyTip: fc.Arbitrary<Tip> = fc.record({
  hash: fc.constantFrom('0a', '0b', '0c', '0d'),
  isFinalisedBranch: fc.boolean(),
  height: fc.nat(1),
  timeMs: fc.nat(1),
  standing: fc.record({
    weight: fc.nat(1),
    certified: fc.nat(1),
    final: fc.nat(2),
    filled: fc.nat(3),
    reputation: fc.nat(1),
    set: fc.constant(''),
    votes: fc.constant([]),
  }),
})

it.each(CHOICES)('%s orders heads totally: one of two is better, and better than better is better', (forkChoice) => {
  const rules = poaRules({ forkChoice })
  fc.assert(
    fc.property(anyTip, anyTip, anyTip, (a, b, c) => {
      expect(rules.better(a, b) && rules.better(b, a)).toBe(false)
      expect(a.hash === b.hash || rules.better(a, b) || rules.better(b, a)).toBe(true)
      expect(rules.better(a, a)).toBe(false)
      expect(!rules.better(a, b) || !rules.better(b, c) || rules.better(a, c)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

it.each(CHOICES)(
  '%s keeps to the finalised branch, and then to the newest certified block, whatever else',
  (choice) => {
    const rules = poaRules({ forkChoice: choice })
    fc.assert(
      fc.property(anyTip, anyTip, (a, b) => {
        fc.pre(a.isFinalisedBranch !== b.isFinalisedBranch || a.standing.certified !== b.standing.certified)
        const [first, second] =
          a.isFinalisedBranch === b.isFinalisedBranch
            ? [a.standing.certified, b.standing.certified]
            : [Number(a.isFinalisedBranch), Number(b.isFinalisedBranch)]
        expect(rules.better(a, b)).toBe(first > second)
      }),
    )
  },
)

/** What a tip has beside nothing at all. */
interface Having {
  height?: number
  timeMs?: number
  weight?: number
  reputation?: number
}

function tip(hash: string, { height = 8, timeMs = 50, weight = 0, reputation = 0 }: Having = {}): Tip {
  const standing = { weight, certified: 8, final: 0, filled: 0, reputation, set: '', votes: [] }
  return { hash, height, timeMs, isFinalisedBranch: true, standing }
}

it.each<[PoaForkChoice, Tip[]]>([
  [
    'authority',
    [tip('ff', { weight: 99, timeMs: 60, height: 7 }), tip('0a', { weight: 98 }), tip('0b', { weight: 98 })],
  ],
  [
    'timestampReputation',
    [
      tip('ff', { height: 9, timeMs: 99 }),
      tip('fe', { timeMs: 40 }),
      tip('fd', { reputation: 1 }),
      tip('0a', { weight: 98 }),
      tip('0b', { weight: 99 }),
    ],
  ],
  ['longest', [tip('ff', { height: 9, timeMs: 99 }), tip('0a'), tip('0b', { weight: 99, timeMs: 40, reputation: 1 })]],
])('%s goes by its own ranks in their order, and by the smaller hash at last', (forkChoice, best) => {
  const rules = poaRules({ forkChoice })
  expect(best.toReversed().toSorted((a, b) => (rules.better(a, b) ? -1 : 1))).toEqual(best)
})

/** Ranks of the makers along a branch: 0 for who is in turn; `late` makes the block count as out of turn all the same. */
type Made = number | 'late'

/** The standings above the last of `from`, each block with the least delay that its rank allows. */
function standingsOf(makers: readonly Made[], size: number, from?: { header: HeaderFacts; standing: PoaStanding }) {
  const init: PoaRulesInit = { forkChoice: 'timestampReputation' }
  const rules = poaRules(init)
  const { maxIntervalMs, fallbackMs, minIntervalMs } = rules.options
  const authorities = addressesOf(size)
  let [parent, standing] = from === undefined ? [GENESIS, rules.begin(GENESIS)] : [from.header, from.standing]
  return makers.map((made) => {
    const height = parent.height + 1
    const rank = made === 'late' ? 0 : made % size
    const delayMs = made === 'late' ? maxIntervalMs + fallbackMs : minIntervalMs + rank * fallbackMs
    const proposer = authorities[(height + rank) % size] ?? ''
    const header = { height, hash: `${height}`, parent: parent.hash, timeMs: parent.timeMs + delayMs, proposer }
    const judgement = rules.judge({ header, parent, standing, authorities })
    if (judgement.status === 'refused') throw new RangeError(judgement.message)
    standing = judgement.standing
    parent = header
    return { header, standing }
  })
}

const reputations = (makers: readonly Made[], size: number): number[] =>
  standingsOf(makers, size).map(({ standing }) => standing.reputation)

it('gives a maker a reputation when it took its last turn, and none when another did or it came too late', () => {
  // Of three authorities each had its first turn at heights 1 to 3.
  expect(reputations([0, 0, 0, 0, 0, 0], 3)).toEqual([0, 0, 0, 1, 1, 1])
  // At height 1 the next in order stands in, so that at height 4 the one in turn has missed its last turn.
  expect(reputations([1, 0, 0, 0], 3)).toEqual([0, 0, 0, 0])
  expect(reputations(['late', 0, 0, 0], 3)).toEqual([0, 0, 0, 0])
  // Whoever stands in at height 4 was in turn at height 2, and that is what counts.
  expect(reputations([1, 0, 0, 1], 3).at(-1)).toBe(1)
  expect(reputations([0, 1, 0, 1], 3).at(-1)).toBe(0)
  expect(reputations([0, 0, 0], 1)).toEqual([0, 1, 1])
})

it('forgets reputations when the authorities change', () => {
  const from = standingsOf([0, 0, 0, 0], 3).at(-1)
  expect(from?.standing.reputation).toBe(1)
  expect(standingsOf([0, 0, 0, 0, 0], 4, from).map(({ standing }) => standing.reputation)).toEqual([0, 0, 0, 0, 1])
})

it('gives the same reputation to who began at a block and to who began at genesis, from as many blocks above it as there are authorities', () => {
  const anyMakers = fc.array(fc.constantFrom<Made[]>(0, 0, 0, 1, 2, 'late'), { minLength: 12, maxLength: 30 })
  let kept = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), anyMakers, fc.nat(6), (size, makers, where) => {
      const whole = standingsOf(makers, size)
      const header = whole[where]?.header ?? GENESIS
      const part = standingsOf(makers.slice(where + 1), size, { header, standing: poaRules().begin(header) })
      const same = (items: typeof part): number[] => items.map(({ standing }) => standing.reputation).slice(size)
      expect(same(part)).toEqual(same(whole.slice(where + 1)))
      kept += same(part).filter((reputation) => reputation === 1).length
    }),
  )
  expect(kept).toBeGreaterThan(100)
})
