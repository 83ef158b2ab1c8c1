import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkTurn, type HeaderFacts, MAX_AUTHORITIES, poaRules, type PoaRulesInit } from '../src/index.ts'
import { addressesOf, GENESIS } from './blocks.ts'

const ABC = addressesOf(3)
const after = (delayMs: number, proposer: string, height = 1): HeaderFacts => ({
  ...GENESIS,
  height,
  hash: '01',
  parent: '00',
  timeMs: delayMs,
  proposer,
})
const codeOf = (header: HeaderFacts, init = {}): string | undefined => checkTurn(header, GENESIS, ABC, init)?.code

it('gives height h to the authority number h mod n by address, whatever the order of the list', () => {
  for (const [height, proposer] of [
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
    [3, 'a'],
    [302, 'c'],
  ] as const) {
    expect(checkTurn(after(300, proposer, height), GENESIS, ['c', 'a', 'b'])).toBeUndefined()
  }
  expect(codeOf(after(300, 'b', 2))).toBe('not-your-turn')
})

it('takes a block in turn from minIntervalMs after its parent, and not 1 ms sooner', () => {
  expect(codeOf(after(300, 'b'))).toBeUndefined()
  expect(codeOf(after(299, 'b'))).toBe('too-early')
  expect(codeOf(after(-5, 'b'))).toBe('too-early')
  expect(codeOf(after(Number.NaN, 'b'))).toBe('too-early')
})

it('takes a block of rank r from r × fallbackMs later, and not 1 ms sooner', () => {
  expect(codeOf(after(1_299, 'c'))).toBe('not-your-turn')
  expect(codeOf(after(1_300, 'c'))).toBeUndefined()
  expect(codeOf(after(2_299, 'a'))).toBe('not-your-turn')
  expect(codeOf(after(2_300, 'a'))).toBeUndefined()
  expect(codeOf(after(299, 'a'))).toBe('too-early')
})

it('refuses whoever is no authority, however late', () => {
  expect(checkTurn(after(1_000_000, 'x'), GENESIS, ABC)).toEqual({
    code: 'not-authority',
    message: 'x is none of 3 authorities',
  })
})

it('refuses for now what is more than maxClockAheadMs ahead, and says when it is good', () => {
  expect(checkTurn(after(1_000, 'b'), GENESIS, ABC, { nowMs: 500 })).toBeUndefined()
  expect(checkTurn(after(1_000, 'b'), GENESIS, ABC, { nowMs: 499 })).toMatchObject({ code: 'time-ahead', retryInMs: 1 })
  expect(codeOf(after(1_000, 'b'))).toBeUndefined()
  expect(codeOf(after(1_000, 'c'), { nowMs: 0 })).toBe('not-your-turn')
})

it('comes to one verdict whatever the order of the authorities, and lets at least one in at any time from 300 ms on', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 20 }),
      fc.nat(1_000),
      fc.integer({ min: 300, max: 40_000 }),
      (authorities, height, delayMs) => {
        const verdicts = authorities.map((proposer) =>
          checkTurn(after(delayMs, proposer, height), GENESIS, authorities),
        )
        const reversed = authorities.toReversed()
        const again = authorities.map((proposer) => checkTurn(after(delayMs, proposer, height), GENESIS, reversed))
        expect(again).toEqual(verdicts)
        // One more for each fallbackMs that passes.
        const allowed = verdicts.filter((verdict) => verdict === undefined).length
        expect(allowed).toBe(Math.min(authorities.length, 1 + Math.floor((delayMs - 300) / 1_000)))
      },
    ),
  )
})

it.each([
  [{ minIntervalMs: 0 }, 'minIntervalMs 0 is no whole number from 1 to 86399999'],
  [{ minIntervalMs: 10_000 }, 'maxIntervalMs 10000 is no whole number from 10001 to 86400000'],
  [{ maxIntervalMs: 86_400_001 }, 'maxIntervalMs 86400001 is no whole number from 301 to 86400000'],
  [{ fallbackMs: Number.NaN }, 'fallbackMs NaN is no whole number from 1 to 86400000'],
  [{ fallbackMs: 0.5 }, 'fallbackMs 0.5 is no whole number from 1 to 86400000'],
  [{ maxClockAheadMs: 1_001 }, 'maxClockAheadMs 1001 is no whole number from 0 to 1000'],
  [{ forkChoice: 'newest' as 'longest' }, "forkChoice newest is none of 'authority', 'timestampReputation', 'longest'"],
  [
    { forkChoice: 'toString' as 'longest' },
    "forkChoice toString is none of 'authority', 'timestampReputation', 'longest'",
  ],
  [{ quorum: 'all' as 'majority' }, "quorum all is neither 'majority' nor 'two-thirds'"],
] satisfies [PoaRulesInit, string][])('refuses the rules %o', (init, message) => {
  expect(() => poaRules(init)).toThrow(new RangeError(message))
  expect(() => checkTurn(after(300, 'b'), GENESIS, ABC, init)).toThrow(new RangeError(message))
})

it('lowers maxClockAheadMs to a smaller fallbackMs', () => {
  expect(poaRules({ fallbackMs: 200 }).options.maxClockAheadMs).toBe(200)
})

it('refuses no authorities, too many, and one named twice', () => {
  const many = Array.from({ length: MAX_AUTHORITIES + 1 }, (_, index) => `${index}`)
  for (const [list, message] of [
    [[], 'authorities are 0, and have to be from 1 to 1024'],
    [many, 'authorities are 1025, and have to be from 1 to 1024'],
    [['a', 'a'], 'authorities name one address twice'],
  ] as const) {
    expect(() => checkTurn(after(300, 'b'), GENESIS, list)).toThrow(new RangeError(message))
  }
  expect(checkTurn(after(300, '1'), GENESIS, many.slice(1, 2))).toBeUndefined()
})
