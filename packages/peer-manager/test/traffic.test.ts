import { LANES } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TrafficCounters } from '../src/traffic.ts'

const message = fc.record({
  key: fc.constantFrom('a', 'b'),
  lane: fc.constantFrom(...LANES),
  direction: fc.constantFrom('in', 'out'),
  bytes: fc.nat(1_000),
  isDrained: fc.boolean(),
})

it('sums exactly what was counted, however often it is drained', () => {
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const counters = new TrafficCounters()
      const sums = new Map<string, number>()
      const seen = new Map<string, unknown>()
      counters.add('a')
      counters.add('b')
      for (const { key, lane, direction, bytes, isDrained } of messages) {
        expect(counters.count(key, lane, direction, bytes)).toBe(true)
        const name = direction === 'in' ? 'In' : 'Out'
        sums.set(`${key} ${lane} messages${name}`, (sums.get(`${key} ${lane} messages${name}`) ?? 0) + 1)
        sums.set(`${key} ${lane} bytes${name}`, (sums.get(`${key} ${lane} bytes${name}`) ?? 0) + bytes)
        if (isDrained) for (const update of counters.drain()) seen.set(update.key, update.traffic)
      }
      for (const update of counters.drain()) seen.set(update.key, update.traffic)
      for (const [name, sum] of sums) {
        const [key = '', lane = '', field = ''] = name.split(' ')
        expect(seen.get(key)).toHaveProperty(`${lane}.${field}`, sum)
      }
      expect(counters.drain()).toEqual([])
    }),
  )
})

it('counts nothing of a peer without counters', () => {
  const counters = new TrafficCounters()
  expect(counters.count('stranger', 'bulk', 'in', 1)).toBe(false)
  expect(counters.drain()).toEqual([])
})

it('counts the message but no bytes where the size is no size', () => {
  const counters = new TrafficCounters()
  counters.add('a')
  counters.count('a', 'high', 'out', Number.NaN)
  counters.count('a', 'high', 'out', -5)
  expect(counters.drain('a')[0]?.traffic.high).toEqual({ messagesIn: 0, messagesOut: 2, bytesIn: 0, bytesOut: 0 })
})

it('drains one peer and leaves the others, and forgets a removed one', () => {
  const counters = new TrafficCounters()
  for (const key of ['a', 'b', 'c']) {
    counters.add(key)
    counters.count(key, 'bulk', 'in', 1)
  }
  expect(counters.drain('a').map(({ key }) => key)).toEqual(['a'])
  counters.remove('b')
  expect(counters.count('b', 'bulk', 'in', 1)).toBe(false)
  expect(counters.drain().map(({ key }) => key)).toEqual(['c'])
})
