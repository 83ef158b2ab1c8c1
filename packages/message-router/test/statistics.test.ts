import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Statistics } from '../src/statistics.ts'

it('counts by kind, and by peer and kind', () => {
  const statistics = new Statistics(10)
  statistics.count('a', 'order', { what: 'in' })
  statistics.count('b', 'order', { what: 'error', code: 'invalid' })
  statistics.count(undefined, 'order', { what: 'out' }, 3)
  const { kinds, peers } = statistics.snapshot()
  expect(kinds.get('order')).toEqual({ in: 1, out: 3, dropped: 0, errors: { invalid: 1 } })
  expect(peers.get('a')?.get('order')).toEqual({ in: 1, out: 0, dropped: 0, errors: {} })
  expect(peers.get('b')?.get('order')).toEqual({ in: 0, out: 0, dropped: 0, errors: { invalid: 1 } })
})

it('forgets the peer longest silent when one more than maxTrackedPeers comes', () => {
  const statistics = new Statistics(2)
  for (const peer of ['a', 'b', 'a', 'c']) statistics.count(peer, 'order', { what: 'in' })
  expect([...statistics.snapshot().peers.keys()]).toEqual(['a', 'c'])
})

it('counts kinds and codes beyond its tables together', () => {
  const statistics = new Statistics(2)
  for (let id = 0; id < 300; id++) statistics.count('a', `kind-${id}`, { what: 'in' })
  for (let id = 0; id < 40; id++) statistics.count('a', 'kind-0', { what: 'error', code: `code-${id}` })
  const { kinds } = statistics.snapshot()
  expect(kinds.size).toBe(257)
  expect(kinds.get('*')?.in).toBe(44)
  expect(kinds.get('kind-0')?.errors['other']).toBe(8)
})

it('gives a copy that later counts do not change', () => {
  const statistics = new Statistics(2)
  statistics.count('a', 'order', { what: 'error', code: 'invalid' })
  const before = statistics.snapshot()
  statistics.count('a', 'order', { what: 'error', code: 'invalid' })
  expect(before.peers.get('a')?.get('order')?.errors).toEqual({ invalid: 1 })
})

it('keeps what one peer does out of the counts of every other', () => {
  const tally = fc.record({
    peer: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('order', 'vote'),
    tally: fc.constantFrom(
      { what: 'in' as const },
      { what: 'dropped' as const },
      { what: 'error' as const, code: 'invalid' },
      { what: 'error' as const, code: 'malformed' },
    ),
  })
  fc.assert(
    fc.property(fc.array(tally, { maxLength: 60 }), (tallies) => {
      const all = new Statistics(10)
      for (const each of tallies) all.count(each.peer, each.kind, each.tally)
      for (const peer of ['a', 'b', 'c']) {
        const alone = new Statistics(10)
        for (const each of tallies) if (each.peer === peer) alone.count(each.peer, each.kind, each.tally)
        expect(all.snapshot().peers.get(peer)).toEqual(alone.snapshot().peers.get(peer))
      }
    }),
  )
})
