import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ForwardClock } from '../src/forward-clock.ts'

it('begins at 0 and advances by what passed', () => {
  const clock = new ForwardClock()
  expect([5_000, 5_000, 5_010.5, 6_000].map((atMs) => clock.read(atMs))).toEqual([0, 0, 10.5, 1_000])
})

it('goes on from where it was when its source steps back', () => {
  const clock = new ForwardClock()
  expect([5_000, 5_100, 90, 91].map((atMs) => clock.read(atMs))).toEqual([0, 100, 100, 101])
})

it('believes a leap of a day at most', () => {
  const clock = new ForwardClock()
  clock.read(0)
  expect(clock.read(1e18)).toBe(86_400_000)
})

it('takes a reading that is no number for no time', () => {
  const clock = new ForwardClock()
  expect([0, 10, Number.NaN, 20, -Infinity, 30].map((atMs) => clock.read(atMs))).toEqual([0, 10, 10, 20, 20, 30])
})

it('never goes back and never leaves the numbers, whatever it reads', () => {
  fc.assert(
    fc.property(fc.array(fc.double()), (readings) => {
      const clock = new ForwardClock()
      const times = readings.map((atMs) => clock.read(atMs))
      expect(times.every(Number.isFinite)).toBe(true)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    }),
  )
})
