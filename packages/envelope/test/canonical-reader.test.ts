import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { CanonicalReader } from '../src/canonical-reader.ts'
import { protobufCodec } from '../src/index.ts'
import { EnvelopeMessage } from '../src/pb/envelope.ts'
import { arbFields } from './helpers.ts'

const TAG = 0x30
const codec = protobufCodec()

it('takes of mutated envelopes only those that the generated reader and writer give back as they are', () => {
  const mutation = fc.record({
    at: fc.nat(),
    drop: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  })
  let taken = 0
  fc.assert(
    fc.property(arbFields, fc.array(mutation, { maxLength: 2 }), (fields, mutations) => {
      const bytes = mutations.reduce(
        (before, { at, drop, insert }) => {
          const place = at % before.byteLength
          return Buffer.concat([before.subarray(0, place), insert, before.subarray(place + drop)])
        },
        Buffer.from(codec.encode(fields)),
      )
      try {
        codec.decode(bytes)
      } catch {
        return
      }
      taken++
      const copy = new Uint8Array(bytes)
      expect(EnvelopeMessage.encode(EnvelopeMessage.decode(copy))).toEqual(copy)
    }),
    { numRuns: 2_000 },
  )
  expect(taken).toBeGreaterThan(100)
})

it('reads every number of 64 bits that the generated writer writes', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (sequence) => {
      const bytes = EnvelopeMessage.encode({ ...EnvelopeMessage.decode(new Uint8Array(0)), sequence })
      const reader = new CanonicalReader(bytes, 0)
      expect(reader.bigint(TAG)).toBe(sequence)
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})

it.each([
  ['a zero written out', [0x00]],
  ['a padded number', [0x81, 0x00]],
  ['a number of 65 bits', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]],
  ['a number of eleven bytes', [...Array.from({ length: 10 }, () => 0x80), 0x01]],
  ['a number without an end', [0x80]],
])('refuses %s', (_what, value) => {
  const reader = new CanonicalReader(Uint8Array.from([TAG, ...value]), 0)
  expect(() => reader.bigint(TAG)).toThrow(expect.objectContaining({ code: 'malformed' }))
})

/** What the reader makes of a number that the generated writer has written. */
function numberOf(sequence: bigint): number {
  const bytes = EnvelopeMessage.encode({ ...EnvelopeMessage.decode(new Uint8Array(0)), sequence })
  return new CanonicalReader(bytes, 0).number(TAG)
}

it('refuses 2^53 where a number is asked for, and takes what is 1 below', () => {
  expect(numberOf(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER)
  expect(() => numberOf(2n ** 53n)).toThrow(expect.objectContaining({ code: 'malformed' }))
})
