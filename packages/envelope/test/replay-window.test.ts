import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplayWindow } from '../src/index.ts'

describe('ReplayWindow', () => {
  it('takes any first number as fresh', () => {
    expect(new ReplayWindow().check(0n)).toBe('fresh')
    expect(new ReplayWindow().mark(2n ** 64n - 1n)).toBe('fresh')
  })

  it('changes nothing on check', () => {
    const window = new ReplayWindow()
    window.check(5n)
    expect(window.top).toBeUndefined()
    expect(window.mark(5n)).toBe('fresh')
    expect(window.mark(5n)).toBe('seen')
  })

  it('takes a number 1,023 behind the highest and refuses one 1,024 behind', () => {
    const window = new ReplayWindow(1_024)
    window.mark(10_000n)
    expect(window.check(10_000n - 1_023n)).toBe('fresh')
    expect(window.check(10_000n - 1_024n)).toBe('behind-window')
  })

  it('forgets nothing inside the window on a jump one short of its length, and everything on a jump of its length', () => {
    const short = new ReplayWindow(64)
    short.mark(100n)
    short.mark(163n)
    expect(short.check(100n)).toBe('seen')
    const whole = new ReplayWindow(64)
    whole.mark(100n)
    whole.mark(164n)
    expect(whole.check(100n)).toBe('behind-window')
    expect(whole.check(101n)).toBe('fresh')
  })

  it('counts everything up to the top as seen when filled', () => {
    const window = ReplayWindow.filledTo(500n, 64)
    expect(window.check(500n)).toBe('seen')
    expect(window.check(437n)).toBe('seen')
    expect(window.check(436n)).toBe('behind-window')
    expect(window.mark(501n)).toBe('fresh')
    expect(window.check(500n)).toBe('seen')
  })

  it.each([0, 31, 33, 65_568, Number.NaN])('refuses %s bits', (bits) => {
    expect(() => new ReplayWindow(bits)).toThrow(RangeError)
  })

  it('agrees with a set of all numbers ever marked, over any sequence', () => {
    const near = fc.bigInt({ min: 0n, max: 300n })
    const far = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 30, arbitrary: near }, { weight: 1, arbitrary: far })), (sequences) => {
        const window = new ReplayWindow(64)
        const marked = new Set<bigint>()
        let top = -1n
        for (const sequence of sequences) {
          const isBehind = marked.size > 0 && top - sequence >= 64n
          const expected = isBehind ? 'behind-window' : marked.has(sequence) ? 'seen' : 'fresh'
          expect(window.check(sequence)).toBe(expected)
          expect(window.mark(sequence)).toBe(expected)
          marked.add(sequence)
          if (sequence > top) top = sequence
        }
      }),
    )
  })
})
