import type { LoadLevel } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LoadMeter } from '../src/index.ts'
import { LoopDelay } from '../src/loop-delay.ts'
import { FakeLoopMonitor } from './support.ts'

const RANK: Record<LoadLevel, number> = { normal: 0, busy: 1, overloaded: 2 }

function levels(meter: LoadMeter, ...delaysMs: number[]): LoadLevel[] {
  return delaysMs.map((delayMs) => meter.update({ delayMs }))
}

describe('LoadMeter', () => {
  it('is busy from 20 ms and overloaded from 100 ms, at once', () => {
    expect(levels(new LoadMeter(), 19.9, 20, 99.9, 100)).toEqual(['normal', 'busy', 'busy', 'overloaded'])
    expect(levels(new LoadMeter(), 100)).toEqual(['overloaded'])
  })

  it('goes by the queue as well, whichever is worse', () => {
    const meter = new LoadMeter()
    expect(meter.update({ delayMs: 0, queueDepth: 1_023 })).toBe('normal')
    expect(meter.update({ delayMs: 0, queueDepth: 1_024 })).toBe('busy')
    expect(meter.update({ delayMs: 20, queueDepth: 8_192 })).toBe('overloaded')
  })

  it('falls after three calm samples in a row and not before', () => {
    expect(levels(new LoadMeter(), 20, 9, 9, 10, 9, 9, 9)).toEqual([...Array<LoadLevel>(6).fill('busy'), 'normal'])
  })

  it('falls as far as the worst of the calm samples allows', () => {
    expect(levels(new LoadMeter(), 100, 0, 30, 0).at(-1)).toBe('busy')
    expect(levels(new LoadMeter(), 100, 0, 0, 0).at(-1)).toBe('normal')
  })

  it('rises again only three samples after it fell', () => {
    expect(levels(new LoadMeter(), 20, 0, 0, 0, 50, 50, 50)).toEqual([
      'busy',
      'busy',
      'busy',
      'normal',
      'normal',
      'normal',
      'busy',
    ])
  })

  it('takes what is no number for 0', () => {
    expect(new LoadMeter().update({ delayMs: Number.NaN, queueDepth: Number.NaN })).toBe('normal')
  })

  it('never reaches a threshold of Infinity', () => {
    const meter = new LoadMeter({ busyQueueDepth: Infinity, overloadedQueueDepth: Infinity })
    expect(meter.update({ delayMs: 0, queueDepth: 1e12 })).toBe('normal')
  })

  it('is normal after a reset, and free to rise', () => {
    const meter = new LoadMeter()
    levels(meter, 100, 0, 0, 0)
    meter.reset()
    expect(meter.level).toBe('normal')
    expect(levels(meter, 100)).toEqual(['overloaded'])
  })

  const samples = fc.array(
    fc.record({
      delayMs: fc.oneof(fc.nat(200), fc.constantFrom(0, 10, 20, 50, 100, Number.NaN)),
      queueDepth: fc.oneof(fc.nat(20_000), fc.constantFrom(0, 512, 1_024, 4_096, 8_192)),
    }),
    { maxLength: 200 },
  )

  it('never turns back within holdSamples samples, whatever comes', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 2, max: 6 }), (all, holdSamples) => {
        const meter = new LoadMeter({ holdSamples })
        let rank = 0
        let changedAt = -Infinity
        let direction = 0
        const gaps: number[] = []
        for (const [index, sample] of all.entries()) {
          const next = RANK[meter.update(sample)]
          if (next === rank) continue
          if (Math.sign(next - rank) === -direction) gaps.push(index - changedAt)
          direction = Math.sign(next - rank)
          changedAt = index
          rank = next
        }
        expect(gaps.filter((gap) => gap < holdSamples)).toEqual([])
      }),
    )
  })

  it('is overloaded in the end under lasting overload, and normal in the end under none, whatever came before', () => {
    fc.assert(
      fc.property(samples, (all) => {
        const meter = new LoadMeter()
        for (const sample of all) meter.update(sample)
        expect(levels(meter, ...Array<number>(6).fill(100)).at(-1)).toBe('overloaded')
        expect(levels(meter, ...Array<number>(6).fill(0)).at(-1)).toBe('normal')
      }),
    )
  })

  it.each([
    [{ busyDelayMs: 0 }, 'busyDelayMs 0'],
    [{ overloadedDelayMs: 19 }, 'overloadedDelayMs 19 must be at least busyDelayMs, 20'],
    [{ overloadedQueueDepth: Number.NaN }, 'overloadedQueueDepth NaN'],
    [{ calmShare: 1.1 }, 'calmShare 1.1'],
    [{ holdSamples: 1 }, 'holdSamples 1'],
  ])('refuses %o', (init, message) => {
    expect(() => new LoadMeter(init)).toThrow(message)
  })
})

function started(meanMs: number, resolutionMs = 20): { loop: FakeLoopMonitor; delay: LoopDelay } {
  const loop = new FakeLoopMonitor(meanMs)
  const delay = new LoopDelay(resolutionMs, () => loop)
  delay.start()
  return { loop, delay }
}

describe('LoopDelay', () => {
  it('finds timers on time that are at most 1 ms late', () => {
    const { delay } = started(21)
    delay.sample()
    expect(delay).toMatchObject({ delayMs: 0, lagFactor: 1 })
  })

  it('takes each 20 ms of delay for one more, however often it looks: 40 ms late is a factor of 3', () => {
    for (const resolutionMs of [1, 20, 100]) {
      const { delay } = started(resolutionMs + 41, resolutionMs)
      delay.sample()
      expect(delay.delayMs).toBeCloseTo(40, 9)
      expect(delay.lagFactor).toBeCloseTo(3, 9)
    }
  })

  it('lets a lag fade by half with each sample, down to 1', () => {
    const { loop, delay } = started(61)
    delay.sample()
    loop.meanMs = 20
    delay.sample()
    expect(delay.delayMs).toBe(0)
    expect(delay.lagFactor).toBeCloseTo(2, 9)
    for (let samples = 0; samples < 10; samples += 1) delay.sample()
    expect(delay.lagFactor).toBe(1)
  })

  it('takes a sample without a timer in it for no lag', () => {
    const { delay } = started(Number.NaN)
    delay.sample()
    expect(delay).toMatchObject({ delayMs: 0, lagFactor: 1 })
  })

  it('runs its monitor only while started, looks at each sample once, and is on time after stop', () => {
    const { loop, delay } = started(100)
    delay.start()
    expect(loop.isEnabled).toBe(true)
    delay.sample()
    expect(loop.resets).toBe(1)
    delay.stop()
    delay.stop()
    expect(loop.isEnabled).toBe(false)
    expect(delay).toMatchObject({ delayMs: 0, lagFactor: 1 })
    delay.sample()
    expect(loop.resets).toBe(1)
  })
})
