import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeEquivocation,
  encodeEquivocation,
  type Equivocation,
  EquivocationDetector,
  equivocationOf,
  MAX_HEADER_BYTES,
  verifyEquivocation,
} from '../src/index.ts'
import { codec, headerBytes, openBlock, sealBlock, signerOf } from './blocks.ts'

const MEMBERS = new Set(['a', 'b', 'c'])
const evidence = (): Equivocation => {
  const found = equivocationOf(headerBytes({ salt: '1' }), headerBytes({ salt: '2' }), codec)
  if (typeof found === 'string') throw new TypeError(found)
  return found
}
const forged = (): Uint8Array => sealBlock(openBlock(headerBytes({ salt: 'forged' })), signerOf('b'))

it('makes evidence of two headers of one height and parent, in one order whichever came first', () => {
  const [one, two] = [headerBytes({ salt: '1' }), headerBytes({ salt: '2' })]
  expect(equivocationOf(one, two, codec)).toEqual(equivocationOf(two, one, codec))
  expect(evidence()).toMatchObject({ proposer: 'a', height: 1, parent: '00' })
  expect(verifyEquivocation(evidence(), codec)).toBeUndefined()
})

it.each([
  ['same-header', headerBytes(), headerBytes()],
  ['other-proposer', headerBytes(), headerBytes({ proposer: 'b' })],
  ['other-slot', headerBytes(), headerBytes({ height: 2 })],
  ['other-slot', headerBytes(), headerBytes({ parent: '01' })],
  ['invalid-signature', headerBytes(), forged()],
  ['malformed', headerBytes(), Buffer.from('{')],
  ['malformed', headerBytes(), headerBytes({ salt: 'x'.repeat(MAX_HEADER_BYTES) })],
] as const)('finds no evidence but %s', (fault, a, b) => {
  expect(equivocationOf(a, b, codec)).toBe(fault)
  expect(equivocationOf(b, a, codec)).toBe(fault)
})

it('refuses evidence that claims another authority, height, parent or order', () => {
  const good = evidence()
  const [a, b] = good.headers
  for (const claim of [{ proposer: 'b' }, { height: 2 }, { parent: '01' }, { headers: [b, a] as const }]) {
    expect(verifyEquivocation({ ...good, ...claim }, codec)).toBe('wrong-claim')
  }
})

it('reads back what it wrote, and nothing that was changed, cut, prolonged or turned round', () => {
  const good = evidence()
  const bytes = encodeEquivocation(good)
  expect(decodeEquivocation(bytes, codec)).toEqual({
    ...good,
    headers: good.headers.map((header) => Buffer.from(header)),
  })
  const [a, b] = good.headers
  expect(decodeEquivocation(encodeEquivocation({ ...good, headers: [b, a] }), codec)).toBe('malformed')
  fc.assert(
    fc.property(
      fc.nat(bytes.byteLength - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(bytes.byteLength - 1),
      (at, by, cut) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ by
        expect(typeof decodeEquivocation(changed, codec)).toBe('string')
        expect(typeof decodeEquivocation(bytes.subarray(0, cut), codec)).toBe('string')
        expect(typeof decodeEquivocation(Buffer.concat([bytes, Buffer.alloc(cut + 1)]), codec)).toBe('string')
      },
    ),
  )
})

it('reports the second header of a place once, and neither the third nor the first again', () => {
  const detector = new EquivocationDetector(codec)
  const [one, two, three] = ['1', '2', '3'].map((salt) => headerBytes({ salt }))
  if (!one || !two || !three) throw new TypeError('three headers')
  expect(detector.observe(one, MEMBERS, 1)).toBeUndefined()
  expect(detector.observe(one, MEMBERS, 1)).toBeUndefined()
  expect(detector.observe(two, MEMBERS, 1)).toMatchObject({ proposer: 'a', height: 1 })
  for (const header of [one, two, three]) expect(detector.observe(header, MEMBERS, 1)).toBeUndefined()
})

it('does not believe a forged header, before or after the true one', () => {
  const detector = new EquivocationDetector(codec)
  expect(detector.observe(forged(), MEMBERS, 1)).toBeUndefined()
  expect(detector.size).toBe(0)
  detector.observe(headerBytes({ salt: '1' }), MEMBERS, 1)
  expect(detector.observe(forged(), MEMBERS, 1)).toBeUndefined()
  expect(detector.observe(headerBytes({ salt: '2' }), MEMBERS, 1)).toBeDefined()
})

it('keeps nothing of strangers, of bytes that are no header, and of those who are authorities no more', () => {
  const detector = new EquivocationDetector(codec)
  detector.observe(headerBytes({ proposer: 'x' }), MEMBERS, 1)
  detector.observe(Buffer.from('what'), MEMBERS, 1)
  expect(detector.size).toBe(0)
  for (const proposer of MEMBERS) detector.observe(headerBytes({ proposer }), MEMBERS, 1)
  expect(detector.size).toBe(3)
  detector.observe(headerBytes({ proposer: 'a' }), new Set(['a']), 1)
  expect(detector.size).toBe(1)
})

it('forgets the header furthest from the head beyond maxHeadersPerAuthority, and none of another authority', () => {
  const detector = new EquivocationDetector(codec, { maxHeadersPerAuthority: 2 })
  detector.observe(headerBytes({ proposer: 'b' }), MEMBERS, 1)
  for (const height of [5, 3, 4]) detector.observe(headerBytes({ height }), MEMBERS, 5)
  expect(detector.size).toBe(3)
  expect(detector.observe(headerBytes({ height: 3, salt: '2' }), MEMBERS, 5)).toBeUndefined()
  expect(detector.observe(headerBytes({ height: 4, salt: '2' }), MEMBERS, 5)).toBeDefined()
  expect(detector.observe(headerBytes({ height: 5, salt: '2' }), MEMBERS, 5)).toBeDefined()
  expect(detector.observe(headerBytes({ proposer: 'b', salt: '2' }), MEMBERS, 1)).toBeDefined()
})

it('is not kept from what happens at the head by headers far above it', () => {
  const detector = new EquivocationDetector(codec, { maxHeadersPerAuthority: 4 })
  for (let height = 1_000; height < 1_010; height += 1) detector.observe(headerBytes({ height }), MEMBERS, 4)
  detector.observe(headerBytes({ height: 5 }), MEMBERS, 4)
  expect(detector.observe(headerBytes({ height: 5, salt: '2' }), MEMBERS, 5)).toBeDefined()
})

it('keeps and gives out copies, so that a buffer may be used again', () => {
  const detector = new EquivocationDetector(codec)
  const [one, two] = [headerBytes({ salt: '1' }), headerBytes({ salt: '2' })]
  detector.observe(one, MEMBERS, 0)
  one.fill(0)
  const found = detector.observe(two, MEMBERS, 0)
  two.fill(0)
  expect(found && verifyEquivocation(found, codec)).toBeUndefined()
  expect(found?.proposer).toBe('a')
})

it.each([1, 10_001])('refuses a memory of %i headers', (maxHeadersPerAuthority) => {
  expect(() => new EquivocationDetector(codec, { maxHeadersPerAuthority })).toThrow(
    new RangeError(`maxHeadersPerAuthority ${maxHeadersPerAuthority} is no whole number from 2 to 10000`),
  )
})

it('finds every equivocation of which both headers come, in any order, and stays within its bound', () => {
  const anyHeader = fc.record({
    height: fc.integer({ min: 1, max: 4 }),
    parent: fc.constantFrom('00', '01'),
    proposer: fc.constantFrom('a', 'b', 'c', 'x'),
    salt: fc.constantFrom('1', '2', '3'),
  })
  fc.assert(
    fc.property(fc.array(anyHeader, { maxLength: 60 }), fc.integer({ min: 2, max: 9 }), (headers, max) => {
      const detector = new EquivocationDetector(codec, { maxHeadersPerAuthority: max })
      const found: Equivocation[] = []
      const salts = new Map<string, Set<string>>()
      for (const header of headers) {
        const place = `${header.proposer}/${header.height}/${header.parent}`
        if (header.proposer !== 'x') salts.set(place, (salts.get(place) ?? new Set()).add(header.salt))
        const equivocation = detector.observe(headerBytes(header), MEMBERS, 1)
        if (equivocation !== undefined) found.push(equivocation)
        expect(detector.size).toBeLessThanOrEqual(max * MEMBERS.size)
      }
      const guilty = [...salts].filter(([, { size }]) => size > 1).map(([place]) => place)
      const told = found.map(({ proposer, height, parent }) => `${proposer}/${height}/${parent}`)
      expect(found.map((equivocation) => verifyEquivocation(equivocation, codec))).toEqual(found.map(() => undefined))
      expect(guilty).toEqual(expect.arrayContaining(told))
      // There are eight places, so a memory of eight forgets nothing.
      expect(told.toSorted()).toEqual(max < 8 ? told.toSorted() : guilty.toSorted())
    }),
  )
})
