import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { Backoff } from '../src/index.ts'

afterEach(() => vi.restoreAllMocks())

it('doubles its ceiling from 1 s to the cap of 300 s, and stays there', () => {
  const backoff = new Backoff()
  const ceilings = Array.from({ length: 12 }, () => {
    const { ceilingMs } = backoff
    backoff.next()
    return ceilingMs / 1_000
  })
  expect(ceilings).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
})

it('draws each delay evenly from all of 0 to the ceiling', () => {
  const random = vi.spyOn(Math, 'random')
  const backoff = new Backoff({ factor: 1 })
  for (const [drawn, delay] of [
    [0, 0],
    [0.25, 250],
    [0.75, 750],
  ] as const) {
    random.mockReturnValueOnce(drawn)
    expect(backoff.next()).toBe(delay)
  }
})

it('waits from half of laterDelayMs on for what will not be cured soon, and never beyond the cap', () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  const backoff = new Backoff()
  expect(backoff.later()).toBe(15_000)
  random.mockReturnValue(0.999_999)
  for (let i = 0; i < 20; i++) backoff.later()
  expect(backoff.later()).toBeLessThanOrEqual(300_000)
})

it('begins anew after a reset', () => {
  const backoff = new Backoff()
  for (let i = 0; i < 5; i++) backoff.next()
  expect(backoff.taken).toBe(5)
  backoff.reset()
  expect([backoff.taken, backoff.ceilingMs]).toEqual([0, 1_000])
})

it('gives only delays from 0 to the ceiling, whatever is drawn, asked and configured', () => {
  const inits = fc
    .tuple(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 1, max: 9, noNaN: true }),
    )
    .map(([a, b, factor]) => ({ initialDelayMs: Math.min(a, b), maxDelayMs: Math.max(a, b), factor }))
  const calls = fc.array(fc.constantFrom('next', 'later', 'reset'), { maxLength: 2_000, size: 'max' })
  fc.assert(
    fc.property(inits, calls, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (init, asked, drawn) => {
      const random = vi.spyOn(Math, 'random').mockReturnValue(drawn)
      const backoff = new Backoff(init)
      for (const call of asked) {
        const { ceilingMs } = backoff
        const delay = backoff[call]() ?? 0
        const most = call === 'later' ? Math.max(ceilingMs, Math.min(30_000, init.maxDelayMs)) : ceilingMs
        expect(delay >= 0 && delay <= most && most <= init.maxDelayMs).toBe(true)
      }
      random.mockRestore()
    }),
    { numRuns: 50 },
  )
})

it.each([
  [{ initialDelayMs: 0 }, 'initialDelayMs 0 '],
  [{ maxDelayMs: NaN }, 'maxDelayMs NaN '],
  [{ maxDelayMs: 2 ** 31 }, 'maxDelayMs 2147483648 '],
  [{ initialDelayMs: 20, maxDelayMs: 10 }, 'initialDelayMs 20 '],
  [{ laterDelayMs: 20, maxDelayMs: 10 }, 'laterDelayMs 20 '],
  [{ factor: 0.9 }, 'factor 0.9 '],
  [{ factor: Infinity }, 'factor Infinity '],
])('refuses %j and names what it received', (init, words) => {
  expect(() => new Backoff(init)).toThrow(RangeError)
  expect(() => new Backoff(init)).toThrow(words)
})
