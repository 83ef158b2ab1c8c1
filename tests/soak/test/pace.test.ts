import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Pace, STREAMS } from '../src/pace.ts'

const TOTAL_MS = 100_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

it('asks for a share of the streams each second, and again for what fell short', () => {
  const pace = new Pace(TOTAL_MS)
  expect(pace.job(4, [], false).streams).toBe(STREAMS / 100 / 4)
  pace.add({ streams: 25, accepted: 15, reconnects: 0 })
  vi.advanceTimersByTime(1_000)
  expect(pace.job(4, [], false).streams).toBe((2 * (STREAMS / 100) - 40) / 4)
})

it('asks for no more than all of them, however long the run gets', () => {
  const pace = new Pace(TOTAL_MS)
  vi.advanceTimersByTime(3 * TOTAL_MS)
  expect(pace.job(1, [], false).streams).toBe(STREAMS)
  pace.add({ streams: STREAMS, accepted: 5, reconnects: 0 })
  expect(pace.job(1, [], false).streams).toBe(1)
})

it('has only the restless one part and come back', () => {
  const pace = new Pace(TOTAL_MS)
  expect(pace.job(4, [], false).reconnects).toBe(0)
  expect(pace.job(4, [], true).reconnects).toBe(2)
})
