import { defaultLogger } from '@libp2p/logger'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { BackoffTable } from '../src/backoff-table.ts'
import { CircuitBreaker } from '../src/circuit-breaker.ts'
import { GapKeeper } from '../src/gap-keeper.ts'
import { RoundTimer } from '../src/round-timer.ts'

const log = defaultLogger().forComponent('test')

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('leaves a candidate alone twice as long each time, from half of baseMs to maxMs', () => {
  const table = new BackoffTable({ baseMs: 1_000, maxMs: 300_000, maxKeys: 10 })
  expect(table.isOver('a')).toBe(true)
  for (let attempt = 1; attempt <= 12; attempt++) {
    const full = Math.min(1_000 * 2 ** (attempt - 1), 300_000)
    const wait = table.attempt('a')
    expect(wait).toBeGreaterThanOrEqual(full / 2)
    expect(wait).toBeLessThanOrEqual(full)
    expect(table.attempts('a')).toBe(attempt)
  }
})

it('is over when the wait is and not 1 ms sooner, or after capMs', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999_9)
  const table = new BackoffTable({ baseMs: 1_000, maxMs: 300_000, maxKeys: 10 })
  table.attempt('a')
  vi.advanceTimersByTime(999)
  expect([table.isOver('a'), table.isOver('a', 500)]).toEqual([false, true])
  vi.advanceTimersByTime(1)
  expect(table.isOver('a')).toBe(true)
})

it('leaves a candidate alone for up to maxMs that is to rest, which counts as no attempt', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const table = new BackoffTable({ baseMs: 1_000, maxMs: 300_000, maxKeys: 10 })
  table.rest('a')
  vi.advanceTimersByTime(149_999)
  expect(table.isOver('a')).toBe(false)
  vi.advanceTimersByTime(1)
  expect([table.isOver('a'), table.attempts('a')]).toEqual([true, 0])
})

it('starts over for a candidate that is forgotten', () => {
  const table = new BackoffTable({ baseMs: 1_000, maxMs: 300_000, maxKeys: 10 })
  table.attempt('a')
  table.forget('a')
  expect([table.isOver('a'), table.attempts('a')]).toEqual([true, 0])
})

it('remembers no more than maxKeys candidates, and forgets who was dialled longest ago', () => {
  const table = new BackoffTable({ baseMs: 1_000, maxMs: 300_000, maxKeys: 3 })
  for (const key of ['a', 'b', 'c', 'a', 'd']) table.attempt(key)
  expect(table.size).toBe(3)
  expect(['a', 'b', 'c', 'd'].map((key) => table.attempts(key))).toEqual([2, 0, 1, 1])
})

const breakerInit = { failures: 3, coolDownMs: 5_000, maxCoolDownMs: 30_000 }

it('opens after so many failures in a row, and a success in between starts the count anew', () => {
  const breaker = new CircuitBreaker(breakerInit)
  breaker.failed()
  breaker.failed()
  breaker.succeeded()
  breaker.failed()
  breaker.failed()
  expect([breaker.state, breaker.tryPass()]).toEqual(['closed', true])
  breaker.failed()
  expect([breaker.state, breaker.tryPass()]).toEqual(['open', false])
})

it('lets one trial pass after the cool-down, and stays open twice as long if that fails, up to the maximum', () => {
  const breaker = new CircuitBreaker(breakerInit)
  for (let i = 0; i < 3; i++) breaker.failed()
  for (const coolDown of [5_000, 10_000, 20_000, 30_000, 30_000]) {
    vi.advanceTimersByTime(coolDown - 1)
    expect(breaker.tryPass()).toBe(false)
    vi.advanceTimersByTime(1)
    expect([breaker.tryPass(), breaker.state, breaker.tryPass(), breaker.tryPass(true)]).toEqual([
      true,
      'half-open',
      false,
      false,
    ])
    breaker.failed()
  }
  breaker.tryPass(true)
  breaker.cancelled()
  expect(breaker.state).toBe('open')
  breaker.reset()
  expect(breaker.tryPass()).toBe(true)
})

it('tells the first visit within the gap from the second and from further ones', () => {
  const gaps = new GapKeeper(10_000, 10)
  expect(['a', 'a', 'a', 'b'].map((key) => gaps.visit(key))).toEqual(['on-time', 'early', 'flood', 'on-time'])
  vi.advanceTimersByTime(9_999)
  expect(gaps.visit('a')).toBe('flood')
  vi.advanceTimersByTime(1)
  expect([gaps.isFree('a'), gaps.visit('a'), gaps.visit('a')]).toEqual([true, 'on-time', 'early'])
})

it('remembers no more than maxKeys visitors, and refuses new ones until the first may come again', () => {
  const gaps = new GapKeeper(10_000, 2)
  expect(['a', 'b', 'c', 'a'].map((key) => gaps.visit(key))).toEqual(['on-time', 'on-time', 'early', 'early'])
  vi.advanceTimersByTime(10_000)
  expect([gaps.visit('c'), gaps.size]).toEqual(['on-time', 1])
})

it('never lets a visitor through twice within the gap', () => {
  const visits = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(8_000)), { maxLength: 60 })
  fc.assert(
    fc.property(visits, (plan) => {
      const gaps = new GapKeeper(10_000, 3)
      const last = new Map<string, number>()
      for (const [key, waitMs] of plan) {
        vi.advanceTimersByTime(waitMs)
        if (gaps.visit(key) !== 'on-time') continue
        expect(performance.now() - (last.get(key) ?? -Infinity)).toBeGreaterThanOrEqual(10_000)
        last.set(key, performance.now())
        expect(gaps.size).toBeLessThanOrEqual(3)
      }
    }),
  )
})

it('runs rounds at the times they ask for, goes on when one throws, and ends with stop', () => {
  const rounds: number[] = []
  const began = performance.now()
  const timer = new RoundTimer(
    { minGapMs: 1_000, fallbackMs: 30_000 },
    () => {
      rounds.push(performance.now() - began)
      if (rounds.length === 2) throw new TypeError('thrown by a test')
      return 5_000
    },
    log,
  )
  timer.start()
  timer.start()
  vi.advanceTimersByTime(40_000)
  expect(rounds).toEqual([0, 5_000, 35_000, 40_000])
  timer.stop()
  expect(vi.getTimerCount()).toBe(0)
  timer.hasten()
  expect(vi.getTimerCount()).toBe(0)
})

it('brings the next round forward when hastened, yet keeps the gap, also from within a round', () => {
  const rounds: number[] = []
  const began = performance.now()
  const timer: RoundTimer = new RoundTimer(
    { minGapMs: 1_000, fallbackMs: 30_000 },
    () => {
      rounds.push(performance.now() - began)
      if (rounds.length === 2) timer.hasten()
      return 30_000
    },
    log,
  )
  timer.start()
  vi.advanceTimersByTime(300)
  timer.hasten()
  timer.hasten()
  vi.advanceTimersByTime(3_000)
  expect(rounds).toEqual([0, 1_000, 2_000])
  timer.stop()
})
