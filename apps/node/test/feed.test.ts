import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Feed, type FeedItem } from '../src/energy/feed.ts'
import type { EnergyKindName } from '../src/energy/kinds.ts'

const item = (kind: EnergyKindName, zone: string) => ({
  kind,
  sender: 'peer',
  zones: [zone],
  timeMs: 0,
  receivedAtMs: 0,
  value: null,
})

it('holds the newest messages up to its capacity, newest first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }), (capacity, count) => {
      const feed = new Feed(capacity)
      for (let i = 0; i < count; i++) feed.add(item('energy-order', 'north'))
      const kept = Math.min(capacity, count)
      const expected = Array.from({ length: kept }, (_, back) => count - back)
      expect(feed.list({ limit: 100 }).map(({ number }) => number)).toEqual(expected)
    }),
  )
})

it('filters by kind and by zone, and stops at the limit', () => {
  const feed = new Feed(10)
  feed.add(item('energy-order', 'north'))
  feed.add(item('market-data', 'north'))
  feed.add(item('energy-order', 'south'))
  feed.add(item('energy-order', 'north'))
  const numbers = (query: Parameters<Feed['list']>[0]) => feed.list(query).map(({ number }) => number)
  expect(numbers({ kind: 'energy-order' })).toEqual([4, 3, 1])
  expect(numbers({ zone: 'north' })).toEqual([4, 2, 1])
  expect(numbers({ kind: 'energy-order', zone: 'north' })).toEqual([4, 1])
  expect(numbers({ limit: 1 })).toEqual([4])
})

it('tells a subscriber until it leaves', () => {
  const feed = new Feed(1)
  const seen: number[] = []
  const end = feed.subscribe(({ number }) => seen.push(number))
  feed.add(item('energy-order', 'north'))
  end()
  feed.add(item('energy-order', 'north'))
  expect(seen).toEqual([1])
})

it('gives whoever saw an item what came after it, and whoever saw one of another run all that there is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(40), fc.nat(40), (capacity, before, after) => {
      const feed = new Feed(capacity)
      const add = (count: number): FeedItem[] =>
        Array.from({ length: count }, () => feed.add(item('energy-order', 'north')))
      add(before)
      const seen = feed.idOf(feed.add(item('energy-order', 'north')))
      const came = add(after)
      expect(feed.after(seen, 100)).toEqual(came.slice(-capacity))
      const all = feed.list().toReversed()
      for (const id of [`1-${before}`, String(before), '-1', 'x']) expect(feed.after(id, 100)).toEqual(all)
      expect(feed.after('x', 3)).toEqual(all.slice(-3))
    }),
  )
})

it('refuses a capacity below 1', () => {
  expect(() => new Feed(0)).toThrow(RangeError)
  expect(() => new Feed(Number.NaN)).toThrow('NaN')
})
