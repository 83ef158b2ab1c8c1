import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ReadyCounts, Schedule } from '../src/schedule.ts'
import { SuccessRatio } from '../src/success-ratio.ts'
import { Thresholds } from '../src/thresholds.ts'

const init = { minPeers: 8, targetPeers: 30, minOutbound: 4, intervalMs: 1_000, maxIntervalMs: 30_000 }

/** So many ready peers, all of them dialled by us unless it is said otherwise. */
function ready(all: number, outbound = all): ReadyCounts {
  return { all, outbound }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

it('looks again after intervalMs below the minimum while there is news', () => {
  const schedule = new Schedule(init)
  expect([schedule.next(ready(0), true), schedule.next(ready(7), true)]).toEqual([1_000, 1_000])
})

it('doubles the interval with each fruitless round up to maxIntervalMs, counts them, and starts over with news', () => {
  const schedule = new Schedule(init)
  const delays = Array.from({ length: 7 }, () => schedule.next(ready(0), false))
  expect(delays).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  expect(schedule.fruitless).toBe(7)
  expect(schedule.next(ready(0), true)).toBe(1_000)
  expect(schedule.fruitless).toBe(0)
})

it('starts over after a reset, and once the minimum was met', () => {
  const schedule = new Schedule(init)
  schedule.next(ready(0), false)
  schedule.next(ready(0), false)
  schedule.reset()
  expect(schedule.next(ready(0), false)).toBe(2_000)
  schedule.next(ready(8), false)
  expect(schedule.fruitless).toBe(0)
})

it('waits maxIntervalMs from the target on, and the longer the nearer it is', () => {
  const schedule = new Schedule(init)
  expect([schedule.next(ready(30), false), schedule.next(ready(31), true)]).toEqual([30_000, 30_000])
  const climb = Array.from({ length: 23 }, (_, index) => schedule.next(ready(8 + index), false))
  expect(climb).toEqual(climb.toSorted((a, b) => a - b))
  expect(climb[0]).toBeGreaterThan(1_000)
})

it('looks less and less often between minimum and target too, up to maxIntervalMs, and anew after news', () => {
  const schedule = new Schedule({ ...init, minOutbound: 0 })
  const first = schedule.next(ready(8), true)
  expect(first).toBeLessThan(3_000)
  expect(schedule.next(ready(8), false)).toBeCloseTo(2 * first)
  expect(schedule.next(ready(8), false)).toBeCloseTo(4 * first)
  for (let round = 0; round < 10; round++) schedule.next(ready(8), false)
  expect(schedule.next(ready(8), false)).toBe(30_000)
  expect(schedule.next(ready(8), true)).toBe(first)
})

it('looks again after intervalMs at the target too while there is news and fewer than minOutbound are outbound', () => {
  const schedule = new Schedule(init)
  expect([schedule.next(ready(30, 3), true), schedule.next(ready(30, 4), true)]).toEqual([1_000, 30_000])
})

it('doubles the interval with each fruitless round short of outbound peers, up to maxIntervalMs', () => {
  const schedule = new Schedule(init)
  const delays = Array.from({ length: 6 }, () => schedule.next(ready(30, 3), false))
  expect(delays).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  schedule.next(ready(30, 4), false)
  expect(schedule.next(ready(30, 3), false)).toBe(2_000)
  schedule.reset()
  expect(schedule.next(ready(30, 3), false)).toBe(2_000)
})

it('does not count rounds short of outbound peers as below the minimum, nor the other way round', () => {
  const schedule = new Schedule(init)
  for (let round = 0; round < 5; round++) schedule.next(ready(30, 3), false)
  expect(schedule.fruitless).toBe(0)
  expect(schedule.next(ready(7), false)).toBe(2_000)
  schedule.next(ready(7), false)
  expect(schedule.next(ready(30, 3), false)).toBe(2_000)
})

it('never waits longer short of outbound peers than it would with enough of them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(8), fc.boolean())), (rounds) => {
      const [some, enough] = [new Schedule(init), new Schedule(init)]
      for (const [inbound, outbound, hasNews] of rounds) {
        const all = inbound + outbound
        const delay = some.next(ready(all, outbound), hasNews)
        expect(delay).toBeLessThanOrEqual(enough.next(ready(all, Math.max(outbound, 4)), hasNews))
      }
    }),
  )
})

it('is never outside its interval, whatever the counts', () => {
  const round = fc.tuple(fc.nat(50), fc.nat(50), fc.boolean())
  fc.assert(
    fc.property(fc.array(round), fc.nat(40), fc.nat(20), fc.nat(20), (rounds, minPeers, more, minOutbound) => {
      const schedule = new Schedule({ ...init, minPeers, targetPeers: minPeers + more, minOutbound })
      for (const [inbound, outbound, hasNews] of rounds) {
        const delay = schedule.next(ready(inbound + outbound, outbound), hasNews)
        expect(delay).toBeGreaterThanOrEqual(1_000)
        expect(delay).toBeLessThanOrEqual(30_000)
      }
    }),
  )
})

it('tells once that the minimum is not met, and once that it is, with the time in between', () => {
  const thresholds = new Thresholds(init)
  expect(thresholds.update(7, 7)).toEqual({ minimum: 'lost' })
  expect(thresholds.update(6, 6)).toEqual({})
  vi.advanceTimersByTime(1_234)
  expect(thresholds.update(8, 8)).toEqual({ minimum: 'met' })
  expect(thresholds.timeToMinimumMs).toBe(1_234)
  expect(thresholds.update(9, 9)).toEqual({})
})

it('tells nothing of a minimum that is met from the start', () => {
  expect(new Thresholds(init).update(8, 8)).toEqual({})
  expect(new Thresholds({ minPeers: 0, targetPeers: 0 }).update(0, 1)).toEqual({})
})

it('tells each time that no peer is left, and only then', () => {
  const thresholds = new Thresholds({ minPeers: 0, targetPeers: 2 })
  expect([0, 0, 1, 0].map((linked) => thresholds.update(0, linked).alone)).toEqual([true, undefined, undefined, true])
  thresholds.restart()
  expect(thresholds.update(0, 0)).toEqual({ alone: true })
})

it('measures the time to the target', () => {
  const thresholds = new Thresholds({ minPeers: 1, targetPeers: 2 })
  thresholds.update(1, 1)
  vi.advanceTimersByTime(500)
  expect(thresholds.update(2, 2)).toEqual({ target: 'met' })
  expect([thresholds.timeToTargetMs, thresholds.timeToMinimumMs]).toEqual([500, undefined])
})

it('begins with one success in three, and follows what happens', () => {
  const ratio = new SuccessRatio(10)
  expect(ratio.dialsFor(2)).toBe(6)
  for (let i = 0; i < 50; i++) ratio.record(true)
  expect(ratio.dialsFor(2)).toBe(3)
  for (let i = 0; i < 20; i++) ratio.record(false)
  expect(ratio.dialsFor(2)).toBeGreaterThan(6)
})

it('never dials less than is missing, nor more than maxOvershoot times that', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), fc.nat(100), (dials, missing) => {
      const ratio = new SuccessRatio(4)
      for (const hasSucceeded of dials) ratio.record(hasSucceeded)
      expect(ratio.dialsFor(missing)).toBeGreaterThanOrEqual(missing)
      expect(ratio.dialsFor(missing)).toBeLessThanOrEqual(4 * missing)
      expect(ratio.value).toBeGreaterThan(0)
      expect(ratio.value).toBeLessThan(1)
    }),
  )
})

it('dials nobody where nobody is missing', () => {
  expect([new SuccessRatio(4).dialsFor(0), new SuccessRatio(4).dialsFor(-3)]).toEqual([0, 0])
})
