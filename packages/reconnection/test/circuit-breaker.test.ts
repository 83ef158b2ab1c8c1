import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CircuitBreaker, type CircuitBreakerInit } from '../src/index.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'Date'] }))
afterEach(() => vi.useRealTimers())

function opened(init: CircuitBreakerInit = {}): CircuitBreaker {
  const breaker = new CircuitBreaker(init)
  for (let i = 0; i < (init.failureThreshold ?? 5); i++) breaker.fail()
  return breaker
}

it('opens with the fifth failure in a row and not with the fourth', () => {
  const breaker = new CircuitBreaker()
  for (let i = 0; i < 4; i++) breaker.fail()
  expect(breaker.state).toBe('closed')
  breaker.succeed()
  for (let i = 0; i < 4; i++) breaker.fail()
  expect([breaker.state, breaker.tryBegin()]).toEqual(['closed', true])
  breaker.fail()
  expect([breaker.state, breaker.tryBegin()]).toEqual(['open', false])
})

it('lets one probe pass after the cool-down and not 1 ms sooner', () => {
  const breaker = opened()
  vi.advanceTimersByTime(59_999)
  expect([breaker.tryBegin(), breaker.retryAfterMs]).toEqual([false, 1])
  vi.advanceTimersByTime(1)
  expect([breaker.state, breaker.retryAfterMs]).toEqual(['half-open', 0])
  expect([breaker.tryBegin(), breaker.tryBegin()]).toEqual([true, false])
})

it('closes when the probe succeeds, and opens for a whole cool-down when it fails', () => {
  const breaker = opened()
  vi.advanceTimersByTime(60_000)
  breaker.tryBegin()
  breaker.fail()
  expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 60_000])
  vi.advanceTimersByTime(60_000)
  breaker.tryBegin()
  breaker.succeed()
  expect(breaker.state).toBe('closed')
  breaker.fail()
  expect(breaker.state).toBe('closed')
})

it('lets another probe pass when one is called off', () => {
  const breaker = opened()
  vi.advanceTimersByTime(60_000)
  breaker.tryBegin()
  breaker.cancel()
  expect(breaker.tryBegin()).toBe(true)
})

it('is not kept open by failures of what began before it opened', () => {
  const breaker = opened()
  vi.advanceTimersByTime(59_000)
  breaker.fail()
  expect(breaker.retryAfterMs).toBe(1_000)
})

it('remembers its newest changes and when they were', () => {
  vi.setSystemTime(5_000)
  const breaker = opened({ failureThreshold: 1, coolDownMs: 1_000, maxHistory: 3 })
  vi.advanceTimersByTime(1_000)
  breaker.tryBegin()
  breaker.succeed()
  expect(breaker.history).toEqual([
    { from: 'closed', to: 'open', atMs: 5_000 },
    { from: 'open', to: 'half-open', atMs: 6_000 },
    { from: 'half-open', to: 'closed', atMs: 6_000 },
  ])
  breaker.fail()
  expect(breaker.history.map(({ to }) => to)).toEqual(['half-open', 'closed', 'open'])
})

it('never lets more than threshold + window / cool-down failing calls pass in any window', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300, size: 'max' })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), (pauses, failureThreshold) => {
      const coolDownMs = 100
      const breaker = new CircuitBreaker({ failureThreshold, coolDownMs })
      const passed: number[] = []
      for (const pause of pauses) {
        vi.advanceTimersByTime(pause)
        if (!breaker.tryBegin()) continue
        passed.push(performance.now())
        breaker.fail()
      }
      for (const [first, from] of passed.entries()) {
        for (const [count, to] of passed.slice(first).entries()) {
          expect(count + 1).toBeLessThanOrEqual(failureThreshold + Math.floor((to - from) / coolDownMs))
        }
      }
    }),
  )
})

it.each([
  [{ failureThreshold: 0 }, 'failureThreshold 0 '],
  [{ failureThreshold: 1.5 }, 'failureThreshold 1.5 '],
  [{ coolDownMs: NaN }, 'coolDownMs NaN '],
  [{ maxHistory: -1 }, 'maxHistory -1 '],
])('refuses %j and names what it received', (init, words) => {
  expect(() => new CircuitBreaker(init)).toThrow(words)
})
