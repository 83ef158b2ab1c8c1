import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { Candidates } from '../src/candidates.ts'
import { at, makePeerIds } from './support.ts'

const ids = await makePeerIds(10)

afterEach(() => vi.restoreAllMocks())

function make(index: number, ...addresses: string[]): { id: (typeof ids)[number]; addresses: string[] } {
  return { id: at(ids, index), addresses }
}

it('never holds more than its maximum, holds what was put last, and each peer once', () => {
  const step = fc.record({ who: fc.nat(9), kind: fc.constantFrom('put', 'put', 'delete') })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step), (max, steps) => {
      const candidates = new Candidates(max)
      for (const { who, kind } of steps) {
        const key = at(ids, who).toString()
        if (kind === 'put') candidates.put(make(who))
        else candidates.delete(key)
        expect(candidates.has(key)).toBe(kind === 'put')
        expect(candidates.size).toBeLessThanOrEqual(max)
        const keys = candidates.list().map(({ id }) => id.toString())
        expect(new Set(keys).size).toBe(candidates.size)
        expect(keys.every((held) => candidates.has(held))).toBe(true)
      }
    }),
  )
})

it.each([
  [0, 0],
  [0.5, 1],
  [0.999, 2],
])('evicts the one that chance names: %d', (chance, place) => {
  vi.spyOn(Math, 'random').mockReturnValue(chance)
  const candidates = new Candidates(3)
  for (const index of [0, 1, 2, 3]) candidates.put(make(index))
  expect(candidates.has(at(ids, place).toString())).toBe(false)
  expect(candidates.size).toBe(3)
})

it('replaces the addresses of one it holds, and evicts nobody for that', () => {
  const candidates = new Candidates(2)
  candidates.put(make(0, '/a'))
  candidates.put(make(1, '/b'))
  candidates.put(make(0, '/c'))
  expect(candidates.list()).toEqual([make(0, '/c'), make(1, '/b')])
})
