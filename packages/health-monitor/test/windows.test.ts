import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Churn } from '../src/churn.ts'
import { Availability } from '../src/index.ts'
import { LostPeers } from '../src/lost-peers.ts'
import { Ring } from '../src/ring.ts'
import { SlidingCount } from '../src/sliding-count.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

describe('Availability', () => {
  it('is unknown before the first ping, and the share of answered ones after', () => {
    const availability = new Availability()
    expect(availability.share(0)).toBeUndefined()
    for (const isAnswered of [true, true, true, false]) availability.add(isAnswered, 1_000)
    expect(availability.share(1_000)).toBe(0.75)
  })

  it('forgets a failure after an hour and not a minute sooner', () => {
    const availability = new Availability()
    availability.add(false, 0)
    availability.add(true, 30 * MINUTE_MS)
    expect(availability.share(HOUR_MS - 1)).toBe(0.5)
    expect(availability.share(HOUR_MS)).toBe(1)
  })

  it('is unknown again when nothing was asked for an hour', () => {
    const availability = new Availability()
    availability.add(true, 0)
    expect(availability.share(10 * HOUR_MS)).toBeUndefined()
  })

  it.each([0, Infinity, Number.NaN])('refuses a window of %d ms', (windowMs) => {
    expect(() => new Availability(windowMs)).toThrow(`windowMs ${windowMs}`)
  })
})

describe('SlidingCount', () => {
  it('counts every event younger than the window less one bucket, and none older than the window', () => {
    const steps = fc.array(fc.nat(400), { minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(steps, (gaps) => {
        const count = new SlidingCount(1_000, 10)
        const times: number[] = []
        let nowMs = 5_000
        for (const gap of gaps) {
          nowMs += gap
          times.push(nowMs)
          count.add(nowMs)
          const sum = count.sum(nowMs)
          expect(sum).toBeGreaterThanOrEqual(times.filter((time) => nowMs - time < 900).length)
          expect(sum).toBeLessThanOrEqual(times.filter((time) => nowMs - time < 1_000).length)
        }
      }),
    )
  })

  it('stands still while the clock goes back', () => {
    const count = new SlidingCount(1_000, 10)
    count.add(5_000)
    count.add(100)
    expect(count.sum(5_000)).toBe(2)
  })
})

describe('Churn', () => {
  it('extrapolates nothing in its first minute, and is an average after', () => {
    const churn = new Churn(5 * MINUTE_MS)
    churn.start(0)
    for (let moves = 0; moves < 6; moves += 1) churn.add(1_000)
    expect(churn.perMinute(1_000)).toBe(6)
    expect(churn.perMinute(2 * MINUTE_MS)).toBe(3)
    expect(churn.perMinute(10 * MINUTE_MS)).toBe(0)
  })
})

function lostPeers(maxPeers: number, ...ready: string[]): LostPeers {
  const lost = new LostPeers(1_000, maxPeers)
  for (const key of ready) lost.meet(key, 0)
  return lost
}

describe('LostPeers', () => {
  it('expects a peer for as long as it is told, and not once it is back', () => {
    const lost = lostPeers(10, 'a', 'b', 'c')
    lost.lose('a', 0)
    lost.lose('b', 500)
    lost.lose('c', 600)
    lost.meet('c', 600)
    expect(new Set(lost.keys(999))).toEqual(new Set(['a', 'b']))
    expect(lost.keys(1_000)).toEqual(['b'])
  })

  it('counts from the last loss', () => {
    const lost = lostPeers(10, 'a', 'b')
    lost.lose('a', 0)
    lost.lose('b', 1)
    lost.meet('a', 900)
    lost.lose('a', 900)
    expect(lost.keys(1_500)).toEqual(['a'])
  })

  it('loses nobody who was not ready, or took leave', () => {
    const lost = lostPeers(10, 'a')
    lost.leave('a')
    lost.lose('a', 1)
    lost.lose('b', 1)
    expect(lost.keys(1)).toEqual([])
  })

  it('forgets the one that was ready the shortest beyond its limit', () => {
    const lost = lostPeers(2, 'a', 'b')
    lost.meet('c', 400)
    for (const key of ['a', 'b', 'c']) lost.lose(key, 500)
    expect(lost.keys(500)).toEqual(['a', 'b'])
  })

  it('expects few of all the ids of a stranger in one place, however it comes and goes', () => {
    const steps = fc.array(fc.record({ readyMs: fc.nat(50), awayMs: fc.nat(50) }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (visits) => {
        const lost = new LostPeers(1_000_000, 10_000)
        let nowMs = 0
        let most = 0
        for (const [id, { readyMs, awayMs }] of visits.entries()) {
          lost.meet(`id-${id}`, nowMs)
          nowMs += readyMs
          lost.lose(`id-${id}`, nowMs)
          nowMs += awayMs
          most = Math.max(most, lost.keys(nowMs).length)
        }
        // Times that halve are all waited for at once: of 50 ms there are six.
        expect(most).toBeLessThanOrEqual(7)
      }),
    )
  })
})

it('keeps the newest items of a ring, in order, for any number of them', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 20 }), (items, size) => {
      const ring = new Ring<number>(size)
      for (const item of items) ring.push(item)
      expect(ring.toArray()).toEqual(items.slice(-size))
    }),
  )
})
