import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { protectedKeys } from '../src/eviction.ts'
import { type EvictionCandidate, type Protections, rankForEviction } from '../src/index.ts'

const NONE: Protections = { latency: 0, use: 0, regions: 0, roles: 0 }

function peer(key: string, changes: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return { key, isReserved: false, reputation: 0, openedAtMs: 0, group: key, ...changes }
}

function ranked(candidates: readonly EvictionCandidate[], protections: Partial<Protections> = {}): string {
  return rankForEviction(candidates, { ...NONE, ...protections })
    .map(({ key }) => key)
    .join(' ')
}

describe('the order of eviction', () => {
  it.each<[string, EvictionCandidate[], string]>([
    ['lowest reputation first', [peer('a', { reputation: 5 }), peer('b', { reputation: -5 }), peer('c')], 'b c a'],
    [
      'the most crowded group among equals',
      [peer('a', { group: 'x' }), peer('b', { group: 'y' }), peer('c', { group: 'y' })],
      'b c a',
    ],
    [
      'the youngest of a group',
      [
        peer('a', { group: 'x', openedAtMs: 1 }),
        peer('b', { group: 'x', openedAtMs: 3 }),
        peer('c', { group: 'x', openedAtMs: 2 }),
      ],
      'b c a',
    ],
    [
      'reputation before crowds',
      [peer('a', { reputation: -1 }), peer('b', { group: 'y' }), peer('c', { group: 'y' })],
      'a b c',
    ],
    [
      'crowds before parts of a point',
      [peer('a', { reputation: -0.4 }), peer('b', { group: 'y' }), peer('c', { group: 'y', reputation: 0.4 })],
      'b c a',
    ],
    [
      'who has been idle the longest before crowds',
      [
        peer('a', { group: 'y' }),
        peer('b', { group: 'y' }),
        peer('c', { idleSinceMs: 2 }),
        peer('d', { idleSinceMs: 1 }),
      ],
      'd c a b',
    ],
    [
      'reputation before idleness',
      [peer('a', { reputation: 1, idleSinceMs: 1 }), peer('b', { idleSinceMs: 2 }), peer('c')],
      'b c a',
    ],
    ['faded points as no difference', [peer('a', { reputation: 0.4 }), peer('b', { openedAtMs: 1 })], 'b a'],
    ['the key where nothing else differs', [peer('b'), peer('a')], 'a b'],
    ['nobody where nobody is', [], ''],
  ])('puts %s', (_, candidates, order) => {
    expect(ranked(candidates)).toBe(order)
  })

  it.each<[string, EvictionCandidate[], Partial<Protections>, string]>([
    ['reserved peers', [peer('a', { isReserved: true, reputation: -90 }), peer('b')], {}, 'b'],
    [
      'the lowest latencies',
      [peer('a', { latencyMs: 9 }), peer('b', { latencyMs: 3 }), peer('c', { latencyMs: 5 }), peer('d')],
      { latency: 2 },
      'a d',
    ],
    [
      'the most recently useful',
      [peer('a', { usefulAtMs: 1 }), peer('b', { usefulAtMs: 3 }), peer('c', { usefulAtMs: 2 }), peer('d')],
      { use: 2 },
      'a d',
    ],
    [
      'the best of each region',
      [
        peer('a', { region: 'n', reputation: 1 }),
        peer('b', { region: 'n' }),
        peer('c', { region: 's', reputation: -9 }),
        peer('d'),
      ],
      { regions: 2 },
      'b d',
    ],
    [
      'the best of each role',
      [peer('a', { role: 'x', openedAtMs: 1 }), peer('b', { role: 'x' }), peer('c', { role: 'y', reputation: -9 })],
      { roles: 2 },
      'a',
    ],
    [
      'the regions held the longest, where there are more than places',
      [
        peer('a', { region: 'new', openedAtMs: 9 }),
        peer('b', { region: 'old', openedAtMs: 1 }),
        peer('c', { region: 'newer', openedAtMs: 10 }),
      ],
      { regions: 1 },
      'c a',
    ],
  ])('protects %s', (_, candidates, protections, order) => {
    expect(ranked(candidates, protections)).toBe(order)
  })
})

const candidates = fc.uniqueArray(
  fc.record({
    key: fc.string({ minLength: 1, maxLength: 3 }),
    isReserved: fc.boolean(),
    reputation: fc.double({ min: -100, max: 100, noNaN: true }),
    openedAtMs: fc.nat(5),
    group: fc.constantFrom('x', 'y', 'z'),
    latencyMs: fc.option(fc.nat(5), { nil: undefined }),
    usefulAtMs: fc.option(fc.nat(5), { nil: undefined }),
    idleSinceMs: fc.option(fc.nat(5), { nil: undefined }),
    region: fc.option(fc.constantFrom('n', 's'), { nil: undefined }),
    role: fc.option(fc.constantFrom('v', 'w'), { nil: undefined }),
  }),
  { selector: ({ key }) => key, maxLength: 12 },
)
const protections = fc.record({ latency: fc.nat(4), use: fc.nat(4), regions: fc.nat(3), roles: fc.nat(3) })

it('is one total order whatever the order of the candidates, and never has a protected peer in it', () => {
  const shuffled = candidates.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  )
  fc.assert(
    fc.property(shuffled, protections, ([list, others], spared) => {
      const ranking = rankForEviction(list, spared).map(({ key }) => key)
      expect(rankForEviction(others, spared).map(({ key }) => key)).toEqual(ranking)
      const kept = protectedKeys(list, spared)
      expect(ranking.filter((key) => kept.has(key))).toEqual([])
      expect(ranking.length + kept.size).toBe(list.length)
      expect(list.filter(({ isReserved, key }) => isReserved && !kept.has(key))).toEqual([])
    }),
  )
})
