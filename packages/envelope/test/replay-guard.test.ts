import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ReplayGuard, type ReplayTicket } from '../src/replay-guard.ts'

const SKEW_MS = 30_000

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => vi.useRealTimers())

function guardOf(maxSenders = 2): ReplayGuard {
  return new ReplayGuard({ maxSenders, windowBits: 64, clockSkewMs: SKEW_MS })
}

function ticket(sender: string, sequence: bigint, extra: Partial<ReplayTicket> = {}): ReplayTicket {
  return { sender, lane: 'normal', sequence, timeMs: Date.now(), ...extra }
}

it('keeps a window for each lane, so a late bulk message is no replay', () => {
  const guard = guardOf()
  for (let sequence = 1n; sequence <= 2_000n; sequence++) guard.mark(ticket('a', sequence))
  expect(guard.mark(ticket('a', 0n))).toBe('behind-window')
  expect(guard.mark(ticket('a', 0n, { lane: 'bulk' }))).toBe('fresh')
  expect(guard.mark(ticket('a', 0n, { lane: 'bulk' }))).toBe('seen')
})

it('refuses a new sender at the bound rather than forget a young one', () => {
  const guard = guardOf(2)
  guard.mark(ticket('a', 1n))
  guard.mark(ticket('b', 1n))
  expect(guard.check(ticket('c', 1n))).toBe('no-room')
  expect(guard.mark(ticket('c', 1n))).toBe('no-room')
  expect(guard.mark(ticket('a', 1n))).toBe('seen')
  expect(guard.mark(ticket('a', 2n))).toBe('fresh')
  expect(guard.size).toBe(2)
})

it('forgets a sender 1 ms after its newest envelope is too old, and no sooner', () => {
  const guard = guardOf(1)
  guard.mark(ticket('a', 1n))
  vi.advanceTimersByTime(SKEW_MS)
  guard.sweep()
  expect(guard.mark(ticket('b', 1n))).toBe('no-room')
  vi.advanceTimersByTime(1)
  expect(guard.mark(ticket('b', 1n))).toBe('fresh')
  expect(guard.size).toBe(1)
})

it('makes room of the sender who was silent longest, not of the one who came first', () => {
  const guard = guardOf(2)
  guard.mark(ticket('a', 1n))
  guard.mark(ticket('b', 1n))
  vi.advanceTimersByTime(SKEW_MS)
  guard.mark(ticket('a', 2n))
  vi.advanceTimersByTime(1)
  expect(guard.mark(ticket('c', 1n))).toBe('fresh')
  expect(guard.mark(ticket('a', 2n))).toBe('seen')
})

it('counts the age from the latest time in an envelope, not from when it was heard', () => {
  const guard = guardOf(1)
  guard.mark(ticket('a', 1n, { timeMs: Date.now() + SKEW_MS }))
  vi.advanceTimersByTime(2 * SKEW_MS)
  guard.sweep()
  expect(guard.size).toBe(1)
  vi.advanceTimersByTime(1)
  guard.sweep()
  expect(guard.size).toBe(0)
})

it('still refuses what a forgotten sender sent when our clock is set back', () => {
  const guard = guardOf()
  const old = ticket('a', 1n)
  guard.mark(old)
  vi.advanceTimersByTime(SKEW_MS + 1)
  guard.sweep()
  vi.setSystemTime(1_000_000)
  expect(guard.mark(old)).toBe('before-floor')
})

it('is deaf for one clock skew, and no longer, after a clock that ran ahead was set right', () => {
  const guard = guardOf(3)
  vi.setSystemTime(1_000_000 + 3_600_000)
  guard.mark(ticket('a', 1n))
  guard.raiseSenderFloor('b', Date.now() + 2 * SKEW_MS)
  vi.advanceTimersByTime(SKEW_MS + 1)
  guard.sweep()
  expect(guard.floorMs).toBe(1_000_000 + 3_600_000)
  vi.setSystemTime(1_000_000)
  guard.sweep()
  const latest = { timeMs: Date.now() + SKEW_MS }
  for (const sender of ['a', 'b', 'c']) expect(guard.check(ticket(sender, 2n, latest))).toBe('before-floor')
  vi.advanceTimersByTime(SKEW_MS)
  guard.sweep()
  const next = { timeMs: Date.now() + 1 }
  for (const sender of ['a', 'b', 'c']) expect(guard.mark(ticket(sender, 2n, next))).toBe('fresh')
})

it('refuses at its floor and takes 1 ms above it', () => {
  const guard = guardOf()
  guard.raiseFloor(1_000_500)
  guard.raiseFloor(1_000_400)
  expect(guard.check(ticket('a', 1n, { timeMs: 1_000_500 }))).toBe('before-floor')
  expect(guard.check(ticket('a', 1n, { timeMs: 1_000_501 }))).toBe('fresh')
})

it('covers by the floor those senders that a smaller bound leaves no room for', () => {
  const guard = guardOf(2)
  guard.mark(ticket('a', 1n))
  guard.mark(ticket('b', 7n, { timeMs: Date.now() + 5 }))
  const smaller = guardOf(1)
  smaller.restore(guard.summary())
  expect(smaller.size).toBe(1)
  expect(smaller.check(ticket('a', 1n, { timeMs: Date.now() + 6 }))).toBe('seen')
  expect(smaller.check(ticket('b', 7n, { timeMs: Date.now() + 5 }))).toBe('before-floor')
})
