import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SteadyClock } from '../src/steady-clock.ts'

const START_MS = 1_000_000_000

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS })
})

afterEach(() => {
  vi.useRealTimers()
})

it('tells what the system clock tells while that is not set by more than a second', () => {
  const clock = new SteadyClock()
  for (const byMs of [0, 1_000, -2_000, 999]) {
    vi.setSystemTime(Date.now() + byMs)
    vi.advanceTimersByTime(7)
    expect(clock.now()).toBe(Date.now())
  }
})

it('goes on by the monotonic clock once the system clock was set, and says by how much when it follows', () => {
  const clock = new SteadyClock()
  vi.setSystemTime(START_MS * 2)
  vi.advanceTimersByTime(5_000)
  expect(clock.now()).toBe(START_MS + 5_000)
  expect(clock.follow()).toBe(START_MS)
  expect(clock.now()).toBe(START_MS * 2 + 5_000)
  expect(clock.follow()).toBe(0)

  vi.setSystemTime(START_MS)
  expect(clock.now()).toBe(START_MS * 2 + 5_000)
  expect(clock.follow()).toBe(-START_MS - 5_000)
})

it('takes a clock that is put right little by little for one that is not set', () => {
  const clock = new SteadyClock()
  for (let round = 0; round < 10; round++) {
    vi.setSystemTime(Date.now() + 900)
    expect(clock.follow()).toBe(0)
    expect(clock.now()).toBe(Date.now())
  }
})
