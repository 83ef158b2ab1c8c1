import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OrderedStop } from '../src/energy/ordered-stop.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS })
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['a millisecond', 1],
  ['a day', DAY_MS],
  ['longer than a timer can be', 2_147_483_648],
])('stops once, after %s', (_, waitMs) => {
  const stop = vi.fn<() => void>()
  new OrderedStop(stop).at(NOW_MS + waitMs)
  vi.advanceTimersByTime(waitMs - 1)
  expect(stop).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(stop).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})

it('stops at once when the time has passed', () => {
  const stop = vi.fn<() => void>()
  new OrderedStop(stop).at(NOW_MS)
  expect(stop).toHaveBeenCalledOnce()
})

it('stops at the earliest time it was told, whatever came last', () => {
  const stop = vi.fn<() => void>()
  const ordered = new OrderedStop(stop)
  for (const days of [2, 1, 3]) ordered.at(NOW_MS + days * DAY_MS)
  vi.advanceTimersByTime(DAY_MS)
  expect(stop).toHaveBeenCalledOnce()
  vi.advanceTimersByTime(3 * DAY_MS)
  expect(stop).toHaveBeenCalledOnce()
})

it('goes by the clock, where that is set while it waits', () => {
  const stop = vi.fn<() => void>()
  new OrderedStop(stop).at(NOW_MS + DAY_MS)
  vi.setSystemTime(NOW_MS + DAY_MS)
  vi.advanceTimersByTime(60_000)
  expect(stop).toHaveBeenCalledOnce()
})

it('leaves no timer when it is cleared', () => {
  const stop = vi.fn<() => void>()
  const ordered = new OrderedStop(stop)
  ordered.at(NOW_MS + 1)
  ordered.clear()
  expect(vi.getTimerCount()).toBe(0)
})
