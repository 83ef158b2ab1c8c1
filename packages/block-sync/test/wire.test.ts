import type { ChainTip, Codec } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  blocksCodec,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  MalformedMessageError,
  statePieceCodec,
  statusCodec,
} from '../src/index.ts'

const hash = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const height = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 48 - 1 }))
const tip = fc.record({ height, hash })
const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((value) => new Uint8Array(value))
const limit = fc.integer({ min: 1, max: 2_000 })

/** Values of each message that all have to be taken. */
const status = fc.tuple(tip, tip, tip, fc.boolean()).map(([a, b, c, has]) => {
  const [lowest, middle, highest] = [a, b, c].toSorted((x, y) => x.height - y.height)
  if (lowest === undefined || middle === undefined || highest === undefined) throw new RangeError('three')
  const places = { tip: highest, finalised: middle }
  return has ? Object.assign(places, { checkpoint: lowest }) : places
})
const locator = fc
  .uniqueArray(tip, { minLength: 1, maxLength: 20, selector: (place) => place.height })
  .map((places) => places.toSorted((a, b) => b.height - a.height))
const getHeaders = fc.oneof(fc.record({ limit, height }), fc.record({ limit, locator }))
const headers = fc.oneof(
  fc.constant({ status: 'no-common' as const }),
  fc.record({ status: fc.constant('found' as const), headers: fc.array(bytes(1, 40), { maxLength: 20 }) }),
)
const getBlocks = fc.record({
  hashes: fc.uniqueArray(hash, { minLength: 1, maxLength: 20 }),
  maxBytes: fc.integer({ min: 1, max: 16_777_216 }),
})
const blocks = fc.record({ blocks: fc.array(fc.option(bytes(1, 60), { nil: undefined }), { minLength: 1 }) })
const getStatePiece = fc
  .tuple(tip, fc.integer({ min: 1, max: 65_536 }), fc.nat())
  .map(([block, pieces, piece]) => ({ block, pieces, piece: piece % pieces }))
const statePiece = fc.record({ piece: fc.option(bytes(1, 60), { nil: undefined }) })

/** A codec of values that are not to be told apart by type here. */
interface Case {
  codec: Codec<unknown>
  values: fc.Arbitrary<unknown>
}
const of = <T>(codec: Codec<T>, values: fc.Arbitrary<T>): Case => ({ codec, values })

const CASES = Object.entries({
  status: of(statusCodec, status),
  'get-headers': of(getHeadersCodec, getHeaders),
  headers: of(headersCodec, headers),
  'get-blocks': of(getBlocksCodec, getBlocks),
  blocks: of(blocksCodec, blocks),
  'get-state-piece': of(getStatePieceCodec, getStatePiece),
  'state-piece': of(statePieceCodec, statePiece),
})

describe.each(CASES)('%s', (_, { codec, values }) => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value)
      }),
    )
  })

  it('takes changed bytes only where they are the one encoding of another value', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, change) => {
        const changed = codec.encode(value).slice()
        const place = at % changed.byteLength
        changed[place] = (changed[place] ?? 0) ^ change
        const read = attempt(() => codec.decode(changed))
        if (read instanceof MalformedMessageError) return
        expect(codec.encode(read)).toEqual(changed)
        expect(read).not.toEqual(value)
      }),
    )
  })

  it('never throws anything else for whatever bytes there are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (random, isVersioned) => {
        const read = attempt(() => codec.decode(isVersioned ? Uint8Array.of(1, ...random) : random))
        expect(read instanceof Error ? read.name : 'MalformedMessageError').toBe('MalformedMessageError')
      }),
    )
  })
})

// A piece takes all that is left of its message: its bytes are the chain's to judge.
it.each(CASES.filter(([name]) => name !== 'state-piece'))(
  'refuses %s that is cut off, or goes on',
  (_, { codec, values }) => {
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const whole = codec.encode(value)
        expect(() => codec.decode(Uint8Array.of(...whole, 0))).toThrow(MalformedMessageError)
        expect(() => codec.decode(whole.subarray(0, at % whole.byteLength))).toThrow(MalformedMessageError)
      }),
    )
  },
)

function attempt(decode: () => unknown): unknown {
  try {
    return decode()
  } catch (err) {
    return err
  }
}

it.each<[string, string, () => unknown]>([
  ['unknown-version', 'another version', () => getBlocksCodec.decode(Uint8Array.of(2))],
  ['oversize', 'more headers than 2,000', () => headersCodec.decode(Uint8Array.of(1, 0, 7, 209))],
  ['oversize', 'a header of more than 4,096 bytes', () => headersCodec.decode(Uint8Array.of(1, 0, 0, 1, 16, 1))],
  ['empty', 'a header of no bytes', () => headersCodec.decode(Uint8Array.of(1, 0, 0, 1, 0, 0))],
  ['oversize', 'more bytes than 2 MiB of headers', () => headersCodec.decode(new Uint8Array(2_097_153))],
  ['empty', 'no hashes', () => getBlocksCodec.encode({ hashes: [], maxBytes: 1 })],
  ['duplicate', 'a hash twice', () => getBlocksCodec.encode({ hashes: ['aa', 'bb', 'aa'], maxBytes: 1 })],
  ['empty', 'no bytes', () => getBlocksCodec.encode({ hashes: ['aa'], maxBytes: 0 })],
  ['oversize', 'more bytes than 16 MiB', () => getBlocksCodec.encode({ hashes: ['aa'], maxBytes: 16_777_217 })],
  ['empty', 'no blocks', () => blocksCodec.encode({ blocks: [] })],
  ['oversize', '1,001 blocks', () => blocksCodec.encode({ blocks: Array.from({ length: 1_001 }, () => undefined) })],
  ['empty', 'no places', () => getHeadersCodec.encode({ locator: [], limit: 1 })],
  [
    'not-descending',
    'places that do not descend',
    () => getHeadersCodec.encode({ limit: 1, locator: [1, 1].map((at) => ({ height: at, hash: 'aa' })) }),
  ],
  [
    'oversize',
    '65 places',
    () =>
      getHeadersCodec.encode({
        limit: 1,
        locator: Array.from({ length: 65 }, (_, i) => ({ height: 99 - i, hash: 'a0' })),
      }),
  ],
  ['unknown-value', 'another way to ask', () => getHeadersCodec.decode(Uint8Array.of(1, 0, 1, 2))],
  [
    'unsafe-integer',
    'a height over 2^53 - 1',
    () => getHeadersCodec.decode(Uint8Array.of(1, 0, 1, 1, 0, 32, 0, 0, 0, 0, 0, 0)),
  ],
  ['oversize', 'headers from a height over 2^48 - 1', () => getHeadersCodec.encode({ limit: 1, height: 2 ** 48 })],
  [
    'oversize',
    'a tip over 2^48 - 1',
    () => statusCodec.encode({ tip: { height: 2 ** 50, hash: 'aa' }, finalised: { height: 2, hash: 'aa' } }),
  ],
  [
    'oversize',
    'a final block above the tip',
    () => statusCodec.encode({ tip: { height: 1, hash: 'aa' }, finalised: { height: 2, hash: 'aa' } }),
  ],
  [
    'oversize',
    'a piece beyond the last',
    () => getStatePieceCodec.encode({ block: { height: 1, hash: 'aa' }, pieces: 4, piece: 4 }),
  ],
])('refuses as %s: %s', (code, _, act) => {
  const err = attempt(act)
  // What is refused when it is written is the fault of who writes.
  const malformed = err instanceof RangeError ? err.cause : err
  expect(malformed).toMatchObject({ name: 'MalformedMessageError', code })
})

it.each(['', 'a', 'AA', 'zz', 'aa'.repeat(65)])('refuses to write %j as a hash', (bad) => {
  expect(() => getBlocksCodec.encode({ hashes: [bad], maxBytes: 1 })).toThrow(RangeError)
})

const hex = (encoded: Uint8Array): string => Buffer.from(encoded).toString('hex')

it('has these encodings, once and for all', () => {
  const [a, b] = [
    { height: 258, hash: 'aabb' },
    { height: 1, hash: 'cc' },
  ]
  expect(hex(statusCodec.encode({ tip: a, finalised: b }))).toBe('01000000000000010202aabb000000000000000101cc00')
  expect(hex(statusCodec.encode({ tip: a, finalised: b, checkpoint: b }))).toBe(
    '01000000000000010202aabb000000000000000101cc01000000000000000101cc',
  )
  expect(hex(getHeadersCodec.encode({ limit: 5, height: 258 }))).toBe('010005010000000000000102')
  expect(hex(getHeadersCodec.encode({ limit: 5, locator: [a, b] }))).toBe(
    '0100050002000000000000010202aabb000000000000000101cc',
  )
  expect(hex(headersCodec.encode({ status: 'no-common' }))).toBe('0101')
  expect(hex(headersCodec.encode({ status: 'found', headers: [Uint8Array.of(7)] }))).toBe('01000001000107')
  expect(hex(getBlocksCodec.encode({ hashes: ['aabb', 'cc'], maxBytes: 9 }))).toBe('0100000009000202aabb01cc')
  expect(hex(blocksCodec.encode({ blocks: [Uint8Array.of(7), undefined] }))).toBe('010002000000010700000000')
  expect(hex(getStatePieceCodec.encode({ block: b, pieces: 4, piece: 3 }))).toBe(
    '01000000000000000101cc0000000400000003',
  )
  expect(hex(statePieceCodec.encode({ piece: undefined }))).toBe('0100')
  expect(hex(statePieceCodec.encode({ piece: Uint8Array.of(7) }))).toBe('010107')
})

const placeAt = (at: number): ChainTip => ({ height: at, hash: 'aa' })
const withCheckpointAt = (at: number): Uint8Array =>
  statusCodec.encode({ tip: placeAt(4), finalised: placeAt(2), checkpoint: placeAt(at) })

it('takes a checkpoint at the final block, and none above it', () => {
  expect(statusCodec.decode(withCheckpointAt(2)).checkpoint).toEqual(placeAt(2))
  expect(attempt(() => withCheckpointAt(3))).toMatchObject({
    cause: { name: 'MalformedMessageError', code: 'oversize' },
  })
})
