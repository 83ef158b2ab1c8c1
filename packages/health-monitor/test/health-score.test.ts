import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HealthScore } from '../src/index.ts'

function after(outcomes: string, init = {}): HealthScore {
  const score = new HealthScore(init)
  for (const outcome of outcomes) {
    if (outcome === '+') score.success()
    else score.failure()
  }
  return score
}

describe('the score', () => {
  it('starts at 50, adds 5 for an answer and takes 10 for none', () => {
    expect(after('').value).toBe(50)
    expect(after('+').value).toBe(55)
    expect(after('+-').value).toBe(45)
  })

  it('ends at 0 and at 100', () => {
    expect(after('------').value).toBe(0)
    expect(after('+'.repeat(11)).value).toBe(100)
    expect(after(`${'+'.repeat(11)}-`).value).toBe(90)
  })

  it('takes only the part of a failure it is told, and all of it for a part that is none', () => {
    const score = new HealthScore()
    score.failure(0.25)
    expect(score.value).toBe(47.5)
    score.failure(Number.NaN)
    expect(score.value).toBe(37.5)
    score.failure(7)
    expect(score.value).toBe(27.5)
  })
})

describe('health', () => {
  it('is still good at 30 and bad below it', () => {
    expect(after('--')).toMatchObject({ value: 30, isHealthy: true })
    expect(after('---')).toMatchObject({ value: 20, isHealthy: false })
  })

  it('is still bad at 45 and good again at 50', () => {
    const score = after('---+++++')
    expect(score).toMatchObject({ value: 45, isHealthy: false })
    expect(score.success()).toBe('healthy')
    expect(score).toMatchObject({ value: 50, isHealthy: true })
  })

  it('names a change once', () => {
    const score = after('--')
    expect([score.failure(), score.failure()]).toEqual(['unhealthy', undefined])
  })

  it('is bad from the start where the score starts below the threshold', () => {
    expect(after('', { initialScore: 29 }).isHealthy).toBe(false)
  })
})

describe('laws', () => {
  const steps = fc.array(fc.oneof(fc.constant('success' as const), fc.double({ min: 0, max: 1, noNaN: true })), {
    maxLength: 200,
  })
  const rules = fc
    .tuple(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100))
    .map(([initialScore, successPoints, failurePoints, a, b]) => ({
      initialScore,
      successPoints,
      failurePoints,
      unhealthyBelow: Math.min(a, b),
      healthyFrom: Math.max(a, b),
    }))

  it('keeps the score within 0 to 100 under any sequence and any rules', () => {
    fc.assert(
      fc.property(rules, steps, (init, sequence) => {
        const score = new HealthScore(init)
        for (const step of sequence) {
          if (step === 'success') score.success()
          else score.failure(step)
          expect(score.value).toBeGreaterThanOrEqual(0)
          expect(score.value).toBeLessThanOrEqual(100)
        }
      }),
    )
  })

  it('turns bad only below the lower threshold, good only from the upper one, and says so each time', () => {
    fc.assert(
      fc.property(rules, steps, (init, sequence) => {
        const score = new HealthScore(init)
        let isHealthy = score.isHealthy
        for (const step of sequence) {
          const change = step === 'success' ? score.success() : score.failure(step)
          const isBad = score.value < init.unhealthyBelow
          const isGood = score.value >= init.healthyFrom
          expect(score.isHealthy).toBe(isGood || (isHealthy && !isBad))
          expect(change !== undefined).toBe(score.isHealthy !== isHealthy)
          isHealthy = score.isHealthy
        }
      }),
    )
  })
})

it.each([
  [{ initialScore: 101 }, 'initialScore 101'],
  [{ successPoints: -1 }, 'successPoints -1'],
  [{ failurePoints: Number.NaN }, 'failurePoints NaN'],
  [{ unhealthyBelow: 60 }, 'unhealthyBelow 60 must be at most healthyFrom, 50'],
])('refuses %o', (init, message) => {
  expect(() => new HealthScore(init)).toThrow(message)
})
