import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CandidatePool } from '../src/candidate-pool.ts'
import { rankCandidates, type RankingView } from '../src/rank-candidates.ts'
import type { SourcedCandidate } from '../src/index.ts'
import { addressOf, at, candidateOf, makePeerIds, named, signedCandidateOf } from './support.ts'

const ids = await makePeerIds(400)
const PX = { name: 'peer-exchange' }
const BOOTSTRAP = { name: 'bootstrap', isFallback: true }

function told(index: number, source: string): SourcedCandidate {
  return { ...candidateOf(at(ids, index), index), source: multiaddr(`/ip4/${source}/tcp/1`) }
}

function makePool(maxCandidates = 1_000): CandidatePool {
  return new CandidatePool({ maxCandidates, maxAddresses: 3 })
}

const view = (changes: Partial<RankingView> = {}): RankingView => ({
  need: [{ count: 1 }],
  crowd: new Map(),
  attempts: () => 0,
  ...changes,
})

it('tells a new candidate from a known one, and adds what is new of that, up to maxAddresses', () => {
  const pool = makePool()
  expect(pool.put(candidateOf(at(ids, 0), 0), PX)).toBe(true)
  expect(pool.put({ ...candidateOf(at(ids, 0), 1), role: 'authority' }, PX)).toBe(false)
  for (const index of [2, 3, 4]) pool.put(candidateOf(at(ids, 0), index), PX)
  const [held] = pool.list()
  expect(held?.role).toBe('authority')
  expect(held?.addresses.map(String)).toEqual([0, 1, 2].map((index) => addressOf(index).toString()))
})

it('puts the addresses from the configuration before those that others told of first', () => {
  const pool = makePool()
  for (const index of [1, 2, 3]) pool.put(candidateOf(at(ids, 0), index), PX)
  pool.put(candidateOf(at(ids, 0), 0), BOOTSTRAP)
  pool.put(candidateOf(at(ids, 0), 9), PX)
  const [held] = pool.list()
  expect(held?.isFallback).toBe(true)
  expect(held?.addresses[0]?.toString()).toBe(addressOf(0).toString())
})

it('puts the latest that a peer signed before what others said first, and the configuration before both', () => {
  const pool = makePool()
  const addresses = (): string[] | undefined => pool.list()[0]?.addresses.map(String)
  for (const index of [1, 2, 3]) pool.put(candidateOf(at(ids, 0), index), PX)
  pool.put(signedCandidateOf(at(ids, 0), 5n, 4), PX)
  expect(addresses()).toEqual(named(4, 1, 2))
  pool.put(signedCandidateOf(at(ids, 0), 6n, 5), PX)
  pool.put(signedCandidateOf(at(ids, 0), 5n, 4, 6), PX)
  expect(addresses()?.[0]).toBe(addressOf(5).toString())
  pool.put(candidateOf(at(ids, 0), 7), { name: 'static', isConfigured: true })
  expect(addresses()?.slice(0, 2)).toEqual(named(7, 5))
})

it('evicts from the source that has most, so that a flood loses its own', () => {
  const pool = makePool(100)
  for (let index = 0; index < 20; index++) pool.put(told(index, '192.0.2.1'), PX)
  for (let index = 20; index < 400; index++) pool.put(told(index, '198.51.100.1'), PX)
  expect(pool.size).toBe(100)
  expect(pool.list().filter(({ source }) => source === 'ip4/192.0')).toHaveLength(20)
})

it('never evicts a fallback while there is another, and never holds more than maxCandidates', () => {
  const puts = fc.array(fc.tuple(fc.nat(399), fc.nat(3), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(puts, fc.integer({ min: 1, max: 30 }), (plan, max) => {
      const pool = makePool(max)
      const fallbacks = new Set<number>()
      for (const [index, source, isFallback] of plan) {
        if (isFallback && fallbacks.size + 1 >= max && !fallbacks.has(index)) continue
        pool.put(told(index, `192.${source}.2.1`), isFallback ? BOOTSTRAP : PX)
        if (isFallback) fallbacks.add(index)
        expect(pool.size).toBeLessThanOrEqual(max)
        for (const kept of fallbacks) expect(pool.get(at(ids, kept).toString())).toBeDefined()
      }
    }),
  )
})

it('has sources take turns, so that one of thousands does not crowd out one of one', () => {
  const pool = makePool()
  for (let index = 0; index < 200; index++) pool.put(told(index, '198.51.100.1'), PX)
  pool.put(told(300, '192.0.2.1'), PX)
  pool.put(candidateOf(at(ids, 301), 301), BOOTSTRAP)
  const first = rankCandidates(pool.list(), view()).slice(0, 3)
  expect(new Set(first.map(({ source }) => source))).toEqual(new Set(['ip4/198.51', 'ip4/192.0', 'strategy/bootstrap']))
})

it('puts the least crowded network group first within a source, and then the fewest attempts', () => {
  const pool = makePool()
  for (const index of [0, 1, 256, 512]) pool.put(candidateOf(at(ids, index % 400), index), PX)
  const crowd = new Map([['ip4/10.0', 2]])
  const ranked = rankCandidates(
    pool.list(),
    view({ crowd, attempts: (key) => (key === at(ids, 256).toString() ? 1 : 0) }),
  )
  expect(ranked.slice(0, 2).map(({ group }) => group)).toEqual(['ip4/10.2', 'ip4/10.1'])
})

it('puts those that fit a need first, and leaves out those that fit none', () => {
  const pool = makePool()
  pool.put({ ...candidateOf(at(ids, 0), 0), role: 'authority', region: 'north' }, PX)
  pool.put({ ...candidateOf(at(ids, 1), 1), role: 'authority' }, PX)
  pool.put({ ...candidateOf(at(ids, 2), 2), role: 'prosumer', region: 'north' }, PX)
  pool.put(candidateOf(at(ids, 3), 3), PX)
  const need = [{ role: 'authority', region: 'north', count: 1 }]
  const keys = rankCandidates(pool.list(), view({ need })).map(({ key }) => key)
  expect(keys[0]).toBe(at(ids, 0).toString())
  expect(keys.toSorted()).toEqual([0, 1, 3].map((index) => at(ids, index).toString()).toSorted())
  expect(rankCandidates(pool.list(), view({ need: [...need, { count: 1 }] }))).toHaveLength(4)
  expect(rankCandidates(pool.list(), view({ need: [] }))).toEqual([])
})
