import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AttemptWindow } from '../src/attempt-window.ts'

it('passes as many as allowed in a second, and the next as soon as the first is a second old', () => {
  const window = new AttemptWindow(2, 10)
  expect([window.take('a', 0), window.take('a', 500), window.take('a', 999)]).toEqual([
    'passed',
    'passed',
    'too-many-attempts',
  ])
  expect(window.take('b', 999)).toBe('passed')
  expect(window.take('a', 1_000)).toBe('passed')
  expect(window.take('a', 1_499)).toBe('too-many-attempts')
})

it('refuses new IPs beyond its bound, keeps the count of the others, and forgets those a second old', () => {
  const window = new AttemptWindow(1, 2)
  window.take('a', 0)
  window.take('b', 100)
  expect(window.take('c', 200)).toBe('too-many-ips')
  expect(window.take('a', 200)).toBe('too-many-attempts')
  expect(window.take('c', 1_000)).toBe('passed')
  expect(window.size).toBe(2)
})

it('never passes more than allowed in any second, and never holds more IPs than allowed', () => {
  const attempts = fc.array(fc.record({ ip: fc.constantFrom('a', 'b', 'c', 'd'), waitMs: fc.nat(400) }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(attempts, fc.integer({ min: 1, max: 4 }), (list, perSecond) => {
      const window = new AttemptWindow(perSecond, 3)
      const passed = new Map<string, number[]>()
      let nowMs = 0
      for (const { ip, waitMs } of list) {
        nowMs += waitMs
        if (window.take(ip, nowMs) === 'passed') passed.set(ip, [...(passed.get(ip) ?? []), nowMs])
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
