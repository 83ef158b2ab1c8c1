import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareRanked, rankPeers, scoreOf } from '../src/ranking.ts'
import { changeRecord, type ManagedPeer, newRecord } from '../src/record.ts'
import { at, makeHello, makePeerIds } from './support.ts'

const ids = await makePeerIds(12)
const CONTEXT = { reputation: (peer: ManagedPeer) => peer.reputation, affinity: () => 1 }

function make(index: number, changes: Partial<ManagedPeer> = {}): ManagedPeer {
  return changeRecord(newRecord(at(ids, index), 0), { state: 'ready', hello: makeHello(), ...changes })
}

const ranked = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), score: fc.constantFrom(0, 0.25, 0.5, 1) })

it('orders totally: antisymmetric, transitive, and undecided for one peer only', () => {
  fc.assert(
    fc.property(ranked, ranked, ranked, (a, b, c) => {
      expect(Math.sign(compareRanked(a, b)) + Math.sign(compareRanked(b, a))).toBe(0)
      expect(compareRanked(a, b) === 0).toBe(a.key === b.key && a.score === b.score)
      const isChain = compareRanked(a, b) <= 0 && compareRanked(b, c) <= 0
      expect(isChain && compareRanked(a, c) > 0).toBe(false)
    }),
  )
})

it('ranks the same peers the same way whatever order they come in, odd numbers included', () => {
  const odd = fc.oneof(fc.constantFrom(0, 50, Number.NaN, Number.POSITIVE_INFINITY), fc.double({ min: -200, max: 200 }))
  const peers = fc
    .array(fc.record({ health: odd, reputation: odd }), { maxLength: 12 })
    .map((list) => list.map((changes, index) => make(index, changes)))
    .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
  fc.assert(
    fc.property(peers, odd, ([list, shuffled], affinity) => {
      const context = { ...CONTEXT, affinity: () => affinity }
      expect(rankPeers(shuffled, {}, context)).toEqual(rankPeers(list, {}, context))
      for (const peer of list) {
        expect(scoreOf(peer, context)).toBeGreaterThanOrEqual(0)
        expect(scoreOf(peer, context)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

it('puts health × reputation × affinity first', () => {
  const peers = [
    make(0, { health: 50, reputation: 0 }),
    make(1, { health: 100, reputation: 0 }),
    make(2, { health: 100, reputation: 100 }),
  ]
  expect(rankPeers(peers, {}, CONTEXT)).toEqual([peers[2], peers[1], peers[0]])
  const near = { ...CONTEXT, affinity: (peer: ManagedPeer) => (peer === peers[0] ? 1 : 0.1) }
  expect(rankPeers(peers, {}, near)[0]).toBe(peers[0])
})

it('tells equals apart by peer id', () => {
  const peers = [3, 1, 2, 0].map((index) => make(index))
  const keys = rankPeers(peers, {}, CONTEXT).map(({ id }) => id.toString())
  expect(keys).toEqual(keys.toSorted())
})

it.each([
  ['role', { role: 'authority' }],
  ['region', { region: 'south' }],
  ['every capability', { capabilities: ['sync', 'archive'] }],
  ['minHeight', { minHeight: 10 }],
  ['all of them together', { role: 'authority', region: 'south', capabilities: ['sync'], minHeight: 10 }],
])('filters by %s', (_, query) => {
  const hello = makeHello({ role: 'authority', region: 'south', capabilities: ['sync', 'archive', 'x'] })
  const wanted = make(0, { hello, height: 10 })
  const almost = make(1, { hello: makeHello({ capabilities: ['sync'] }), height: 9 })
  const unnamed = newRecord(at(ids, 2), 0)
  expect(rankPeers([almost, wanted, unnamed], query, CONTEXT)).toEqual([wanted])
})

it('returns at most limit peers, none for 0, and throws for a limit that is no count', () => {
  const peers = [make(0), make(1), make(2)]
  expect(rankPeers(peers, { limit: 2 }, CONTEXT)).toHaveLength(2)
  expect(rankPeers(peers, { limit: 0 }, CONTEXT)).toEqual([])
  expect(rankPeers(peers, { limit: 99 }, CONTEXT)).toHaveLength(3)
  expect(() => rankPeers(peers, { limit: -1 }, CONTEXT)).toThrow(RangeError)
  expect(() => rankPeers(peers, { limit: Number.NaN }, CONTEXT)).toThrow('NaN')
})
