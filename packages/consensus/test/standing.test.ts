import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type HeaderFacts, poaRules, type PoaRulesInit, type PoaStanding } from '../src/index.ts'
import { addressesOf, GENESIS } from './blocks.ts'

/** The standings along a branch, with genesis: for each block whether it is made in turn. */
function standingsOf(turns: readonly boolean[], authorities: string[], init: PoaRulesInit = {}): PoaStanding[] {
  const rules = poaRules(init)
  const { maxIntervalMs, fallbackMs } = rules.options
  let parent = GENESIS
  const standings = [rules.begin(GENESIS)]
  for (const isInTurn of turns) {
    const height = parent.height + 1
    // Too late to count as in turn, and late enough for any rank.
    const delayMs = isInTurn ? 300 : maxIntervalMs + authorities.length * fallbackMs
    const proposer = authorities[height % authorities.length] ?? ''
    const header: HeaderFacts = {
      height,
      hash: `${height}`,
      parent: parent.hash,
      timeMs: parent.timeMs + delayMs,
      proposer,
    }
    const judgement = rules.judge({ header, parent, standing: standings.at(-1) ?? rules.begin(GENESIS), authorities })
    if (judgement.status === 'refused') throw new RangeError(judgement.message)
    standings.push(judgement.standing)
    parent = header
  }
  return standings
}

/** The newest block with transactions by each block of a branch, for each block whether it has some. */
function filledOf(branch: readonly (boolean | undefined)[]): number[] {
  const rules = poaRules()
  let [parent, standing] = [GENESIS, rules.begin(GENESIS)]
  return branch.map((isFilled, index) => {
    const [height, timeMs] = [index + 1, parent.timeMs + 300]
    const header = { height, hash: `${height}`, parent: parent.hash, timeMs, proposer: 'a' }
    const facts: HeaderFacts = isFilled === undefined ? header : { ...header, isFilled }
    const judgement = rules.judge({ header: facts, parent, standing, authorities: ['a'] })
    if (judgement.status === 'refused') throw new RangeError(judgement.message)
    parent = header
    standing = judgement.standing
    return standing.filled
  })
}

it('keeps the height of the newest block with transactions, along the branch, and 0 from genesis on', () => {
  expect(filledOf([false, undefined, true, false, undefined, true, true, false])).toEqual([0, 0, 3, 3, 3, 6, 7, 7])
  expect(poaRules().begin({ height: 40, hash: 'ff' }).filled).toBe(0)
})

const yes = (count: number): boolean[] => Array.from({ length: count }, () => true)
const no = (count: number): boolean[] => Array.from({ length: count }, () => false)

it.each([
  // Authorities, quorum, blocks in turn that certify, blocks in turn that finalise.
  [1, 'majority', 1, 2],
  [2, 'majority', 2, 4],
  [3, 'majority', 2, 4],
  [4, 'majority', 3, 6],
  [5, 'majority', 3, 6],
  [3, 'two-thirds', 3, 6],
  [4, 'two-thirds', 3, 6],
  [7, 'two-thirds', 5, 10],
] as const)(
  'with %i authorities and %s, certifies block 1 by %i blocks after it and finalises it by %i',
  (size, quorum, certify, finalise) => {
    const standings = standingsOf(yes(finalise + 1), addressesOf(size), { quorum })
    const first = (name: 'certified' | 'final'): number => standings.findIndex((standing) => standing[name] >= 1)
    expect([first('certified'), first('final')]).toEqual([1 + certify, 1 + finalise])
  },
)

it('counts 2 for a block in turn and 1 for any other', () => {
  expect(standingsOf([true, false, true], addressesOf(3)).map(({ weight }) => weight)).toEqual([0, 2, 3, 5])
})

it('takes a block in turn for one out of turn from maxIntervalMs + fallbackMs on', () => {
  const rules = poaRules()
  const at = (timeMs: number): number => {
    const header = { height: 1, hash: '1', parent: '00', timeMs, proposer: 'b' }
    const candidate = { header, parent: GENESIS, standing: rules.begin(GENESIS), authorities: addressesOf(2) }
    const judgement = rules.judge(candidate)
    return judgement.status === 'valid' ? judgement.standing.weight : Number.NaN
  }
  expect([at(10_999), at(11_000)]).toEqual([2, 1])
})

/** A branch of five authorities of which the first few are never in turn. */
const withSilent = (silent: number): boolean[] => Array.from({ length: 40 }, (_, index) => (index + 1) % 5 >= silent)

it('finalises with a minority silent, and not with a majority silent', () => {
  expect(standingsOf(withSilent(2), addressesOf(5)).at(-1)?.final).toBeGreaterThan(25)
  expect(standingsOf(withSilent(3), addressesOf(5)).at(-1)).toMatchObject({ certified: 0, final: 0 })
})

it('certifies nothing by a quorum that takes more heights than there are authorities', () => {
  expect(standingsOf([...no(1), ...yes(1), ...no(1), ...yes(1)], addressesOf(3)).at(-1)?.certified).toBe(1)
  expect(standingsOf([...no(1), ...yes(1), ...no(2), ...yes(1)], addressesOf(3)).at(-1)?.certified).toBe(0)
})

it('finalises nothing by votes that lie further back than twice the authorities', () => {
  const certified = [false, true, true]
  expect(standingsOf([...certified, ...no(2), true, true], addressesOf(3)).at(-1)?.final).toBe(1)
  expect(standingsOf([...certified, ...no(3), true, true], addressesOf(3)).at(-1)?.final).toBe(0)
})

it('finalises nothing by two votes of one authority, and by two of two it does', () => {
  const certified = [false, true, true]
  expect(standingsOf([...certified, true, ...no(2), true], addressesOf(3)).at(-1)).toMatchObject({
    votes: [2, 3, 4, 7],
    certified: 2,
    final: 0,
  })
  expect(standingsOf([...certified, true, ...no(1), true], addressesOf(3)).at(-1)?.final).toBe(1)
})

it('begins to count anew when the authorities change, and keeps what is final', () => {
  const rules = poaRules()
  const before = standingsOf(yes(8), addressesOf(3)).at(-1) ?? rules.begin(GENESIS)
  expect(before).toMatchObject({ certified: 6, final: 4 })
  const parent = { ...GENESIS, height: 8 }
  const authorities = addressesOf(4)
  const header = { height: 9, hash: '9', parent: '00', timeMs: 300, proposer: 'b' }
  const judgement = rules.judge({ header, parent, standing: before, authorities })
  expect(judgement).toMatchObject({ status: 'valid', standing: { votes: [9], certified: 6, final: 4 } })
})

it('never falls along a branch, never has more final than certified, and keeps at most two votes for each authority', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.constantFrom('majority', 'two-thirds'),
      (size, turns, quorum) => {
        const standings = standingsOf(turns, addressesOf(size), { quorum })
        standings.forEach((standing, height) => {
          const before = standings[height - 1] ?? standing
          expect(standing.certified).toBeGreaterThanOrEqual(before.certified)
          expect(standing.final).toBeGreaterThanOrEqual(before.final)
          expect(standing.final).toBeLessThanOrEqual(standing.certified)
          expect(standing.votes.length).toBeLessThanOrEqual(2 * size)
          expect(JSON.parse(JSON.stringify(standing))).toEqual(standing)
        })
      },
    ),
  )
})

it('finds final what a count from nothing finds final', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { maxLength: 40 }), (size, turns) => {
      const quorum = Math.floor(size / 2) + 1
      const votes = turns.flatMap((isVote, index) => (isVote ? [index + 1] : []))
      const certifier = (block: number): number =>
        votes.filter((vote) => vote > block && vote <= block + size)[quorum - 1] ?? Infinity
      const isFinal = (block: number): boolean => {
        const late = votes.filter((vote) => vote > certifier(block) && vote <= block + 2 * size)
        return late.some((last) => late.filter((vote) => vote > last - size && vote <= last).length >= quorum)
      }
      const blocks = Array.from({ length: turns.length + 1 }, (_, block) => block)
      const newest = standingsOf(turns, addressesOf(size)).at(-1)
      expect(newest?.certified).toBe(blocks.findLast((block) => certifier(block) < Infinity) ?? 0)
      expect(newest?.final).toBe(blocks.findLast(isFinal) ?? 0)
    }),
  )
})
