import { expect, it } from 'vitest'
import { MAX_REPEATS, REPEAT_MS } from '../src/constants.ts'
import { Repeats } from '../src/repeats.ts'

it('tells the first, and then one a minute with the number of those in between', () => {
  const repeats = new Repeats()
  const told = Array.from({ length: 130 }, (_, second) => repeats.note('a', second * 1_000))
  expect(told.flatMap((count, second) => (count === undefined ? [] : [[second, count]]))).toEqual([
    [0, 0],
    [60, 59],
    [120, 59],
  ])
  expect(repeats.note('b', 61_000)).toBe(0)
})

it('remembers only so much, and takes what it forgot for news', () => {
  const repeats = new Repeats()
  for (let key = 0; key <= MAX_REPEATS; key++) repeats.note(String(key), 0)
  expect(repeats.note('1', REPEAT_MS - 1)).toBeUndefined()
  expect(repeats.note('0', REPEAT_MS - 1)).toBe(0)
})
