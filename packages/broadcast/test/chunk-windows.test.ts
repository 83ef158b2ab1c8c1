import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ChunkWindows } from '../src/chunk-windows.ts'

const LIMITS = { most: 16, lateMs: 2_000 }

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

it('doubles with each answer that comes well in time, up to the most', () => {
  const windows = new ChunkWindows(LIMITS)
  const sizes = [1, 2, 3, 4].map(() => {
    const askedAtMs = performance.now()
    vi.advanceTimersByTime(LIMITS.lateMs / 2)
    windows.answered('a', windows.of('a'), askedAtMs)
    return windows.of('a')
  })
  expect(sizes).toEqual([2, 4, 8, 16])
  expect(windows.of('b')).toBe(1)
})

it('stays as it is with an answer that is not late, but not well in time', () => {
  const windows = new ChunkWindows(LIMITS)
  const askedAtMs = performance.now()
  vi.advanceTimersByTime(LIMITS.lateMs / 2 + 1)
  windows.answered('a', 1, askedAtMs)
  expect(windows.of('a')).toBe(1)
})

it('is halved once for all that was late together, down to one, and grows again', () => {
  const windows = new ChunkWindows(LIMITS)
  windows.answered('a', 3, performance.now())
  const sizes = [1, 2, 3].map(() => {
    const askedAtMs = performance.now()
    vi.advanceTimersByTime(LIMITS.lateMs)
    for (let request = 0; request < 4; request++) windows.late('a', askedAtMs)
    windows.answered('a', 4, askedAtMs)
    return windows.of('a')
  })
  expect(sizes).toEqual([2, 1, 1])
  windows.answered('a', 1, performance.now())
  expect(windows.of('a')).toBe(2)
})

it('lies between one and the most, whatever comes when', () => {
  const steps = fc.array(fc.record({ isLate: fc.boolean(), chunks: fc.nat(20), tookMs: fc.nat(4_000) }))
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (events, most) => {
      const windows = new ChunkWindows({ ...LIMITS, most })
      for (const { isLate, chunks, tookMs } of events) {
        const askedAtMs = performance.now()
        vi.advanceTimersByTime(tookMs)
        if (isLate) windows.late('a', askedAtMs)
        else windows.answered('a', chunks, askedAtMs)
        expect(windows.of('a')).toBeGreaterThanOrEqual(1)
        expect(windows.of('a')).toBeLessThanOrEqual(most)
      }
    }),
  )
})
