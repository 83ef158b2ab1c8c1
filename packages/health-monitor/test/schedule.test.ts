import { NotStartedError, ProtocolError, TimeoutError, UnsupportedProtocolError } from '@libp2p/interface'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { outcomeOf } from '../src/ping-outcome.ts'
import { PingSchedule } from '../src/ping-schedule.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('PingSchedule', () => {
  it('has a new peer due at once, and once', () => {
    const schedule = new PingSchedule(1_000)
    schedule.add('a', 5)
    expect(schedule.take(4)).toEqual([])
    expect(schedule.take(5)).toEqual(['a'])
    expect(schedule.take(1e9)).toEqual([])
  })

  it('spreads second pings over the interval, and later ones by a tenth of it', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const schedule = new PingSchedule(1_000)
    schedule.add('a', 0)
    schedule.take(0)
    schedule.next('a', 0)
    expect(schedule.take(499)).toEqual([])
    expect(schedule.take(500)).toEqual(['a'])
    schedule.next('a', 500)
    expect(schedule.take(1_449)).toEqual([])
    expect(schedule.take(1_450)).toEqual(['a'])
  })

  it('takes the longest due first', () => {
    const schedule = new PingSchedule(1_000)
    schedule.add('late', 20)
    schedule.add('early', 10)
    expect(schedule.take(30)).toEqual(['early', 'late'])
  })

  it('asks every peer at least once in an interval, and never in less than nine tenths of it after the first two', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (rounds) => {
        const schedule = new PingSchedule(100)
        schedule.add('a', 0)
        const times: number[] = []
        for (let nowMs = 0; nowMs <= rounds * 100; nowMs += 1) {
          if (schedule.take(nowMs).length === 0) continue
          times.push(nowMs)
          schedule.next('a', nowMs)
        }
        const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
        expect(times.length).toBeGreaterThan(rounds)
        expect(Math.max(...gaps)).toBeLessThanOrEqual(100)
        for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThanOrEqual(90)
      }),
      { numRuns: 20 },
    )
  })
})

describe('outcomeOf', () => {
  class TooManyStreams extends Error {
    override readonly name = 'TooManyOutboundProtocolStreamsError'
  }

  it('blames nobody where all streams of libp2p are taken, or nobody was asked', () => {
    for (const err of [new TooManyStreams(), new NotStartedError()]) {
      expect(outcomeOf(err, true)).toEqual({ kind: 'unmeasured', failure: err.name })
    }
  })

  it('blames nobody where the connection closed under the ping', () => {
    expect(outcomeOf(new TimeoutError(), false)).toEqual({ kind: 'unmeasured', failure: 'TimeoutError' })
  })

  it('takes a peer that says it knows no ping for alive', () => {
    expect(outcomeOf(new UnsupportedProtocolError(), true)).toEqual({ kind: 'alive' })
  })

  it('tells a deadline from other failures, and a wrong answer from none', () => {
    const unanswered = { kind: 'unanswered', isTimeBased: false, isViolation: false }
    const timeout = outcomeOf(new TimeoutError(), true)
    expect(timeout).toEqual({ ...unanswered, failure: 'TimeoutError', isTimeBased: true })
    const violation = outcomeOf(new ProtocolError(), true)
    expect(violation).toEqual({ ...unanswered, failure: 'ProtocolError', isViolation: true })
    expect(outcomeOf(new RangeError(), true)).toEqual({ ...unanswered, failure: 'RangeError' })
    expect(outcomeOf('thrown', true)).toEqual({ ...unanswered, failure: 'UnknownError' })
  })
})
