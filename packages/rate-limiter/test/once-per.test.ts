import { expect, it } from 'vitest'
import { OncePer } from '../src/once-per.ts'

it('lets a key through again after the interval and not 1 ms sooner', () => {
  const once = new OncePer(1_000, 10)
  expect([0, 999, 1_000, 1_001, 2_000].map((nowMs) => once.tryPass('a', nowMs))).toEqual([
    true,
    false,
    true,
    false,
    true,
  ])
})

it('counts each key for itself', () => {
  const once = new OncePer(1_000, 10)
  expect([once.tryPass('a', 0), once.tryPass('b', 0)]).toEqual([true, true])
})

it('lets nobody new through while it holds as many keys as it may', () => {
  const once = new OncePer(1_000, 2)
  expect([once.tryPass('a', 0), once.tryPass('b', 1), once.tryPass('c', 2)]).toEqual([true, true, false])
  expect(once.tryPass('c', 1_000)).toBe(true)
})
