import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AttemptWindow } from '../src/attempt-window.ts'

function take(window: AttemptWindow, source: string, nowMs: number): string {
  const excess = window.excess(source, nowMs)
  if (excess === undefined) window.count(source, nowMs)
  return excess ?? 'passed'
}

it('passes as many as allowed in a second, and the next as soon as the first is a second old', () => {
  const window = new AttemptWindow(2, 10)
  expect([take(window, 'a', 0), take(window, 'a', 500), take(window, 'a', 999)]).toEqual([
    'passed',
    'passed',
    'too-many-attempts',
  ])
  expect(take(window, 'b', 999)).toBe('passed')
  expect(take(window, 'a', 1_000)).toBe('passed')
  expect(take(window, 'a', 1_499)).toBe('too-many-attempts')
})

it('refuses new sources beyond its bound, keeps the count of the others, and forgets those a second old', () => {
  const window = new AttemptWindow(1, 2)
  take(window, 'a', 0)
  take(window, 'b', 100)
  expect(take(window, 'c', 200)).toBe('too-many-sources')
  expect(take(window, 'a', 200)).toBe('too-many-attempts')
  expect(take(window, 'c', 1_000)).toBe('passed')
  expect(window.size).toBe(2)
})

it('never passes more than allowed in any second, and never holds more sources than allowed', () => {
  const attempts = fc.array(fc.record({ source: fc.constantFrom('a', 'b', 'c', 'd'), waitMs: fc.nat(400) }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(attempts, fc.integer({ min: 1, max: 4 }), (list, perSecond) => {
      const window = new AttemptWindow(perSecond, 3)
      const passed = new Map<string, number[]>()
      let nowMs = 0
      for (const { source, waitMs } of list) {
        nowMs += waitMs
        if (take(window, source, nowMs) === 'passed') passed.set(source, [...(passed.get(source) ?? []), nowMs])
        expect(window.size).toBeLessThanOrEqual(3)
      }
      for (const times of passed.values()) {
        for (const from of times) {
          expect(times.filter((time) => time >= from && time < from + 1_000).length).toBeLessThanOrEqual(perSecond)
        }
      }
    }),
  )
})
