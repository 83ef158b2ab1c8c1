import { expect, it } from 'vitest'
import { LruMap } from '../src/lru-map.ts'

it('forgets the entry unused for longest once there are more than max', () => {
  const map = new LruMap<string, number>(2)
  map.getOrMake('a', () => 1)
  map.getOrMake('b', () => 2)
  map.getOrMake('a', () => 0)
  map.getOrMake('c', () => 3)
  expect(map.size).toBe(2)
  expect(map.getOrMake('a', () => 10)).toBe(1)
  expect(map.getOrMake('b', () => 20)).toBe(20)
})

it.each([0, 1.5, Number.NaN])('refuses a max of %s', (max) => {
  expect(() => new LruMap(max)).toThrow(RangeError)
})
