import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Topics } from '../src/topics.ts'

const ascii = (characters: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters.split('')), minLength: 1, maxLength })
const chainIds = ascii('abc-0.1~', 8)
const names = ascii('abc/1-', 12)

it('finds the way back to every topic of its own network', () => {
  fc.assert(
    fc.property(chainIds, names, (chainId, topic) => {
      const topics = new Topics(chainId)
      expect(topics.fromWire(topics.toWire(topic))).toBe(topic)
    }),
  )
})

it('never gives two networks, or two topics, the same name', () => {
  fc.assert(
    fc.property(chainIds, chainIds, names, names, (a, b, first, second) => {
      const isSame = a === b && first === second
      expect(new Topics(a).toWire(first) === new Topics(b).toWire(second)).toBe(isSame)
    }),
  )
})

it('refuses names that are empty, too long or not printable, and chain ids with a slash', () => {
  for (const chainId of ['', 'a/b', 'a b', 'é', 'c'.repeat(65)]) expect(() => new Topics(chainId)).toThrow(RangeError)
  const topics = new Topics('c'.repeat(64))
  for (const topic of ['', 'a b', 'a\u0000b', 't'.repeat(129)]) expect(() => topics.toWire(topic)).toThrow(RangeError)
  expect(topics.toWire('t'.repeat(128))).toHaveLength(10 + 64 + 1 + 128 + 2)
})

it('knows no topic in what is not of its network and version', () => {
  const topics = new Topics('main')
  for (const wire of [
    '',
    '/gridmesh/main//1',
    '/gridmesh/test/a/1',
    '/gridmesh/main/a/2',
    '/other/main/a/1',
    '/gridmesh/main/1',
  ]) {
    expect(topics.fromWire(wire)).toBeUndefined()
  }
})
