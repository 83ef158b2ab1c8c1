import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ASSETS, type Codec, encode, FetchedState, MalformedError, type Output, outputs, zones } from '../src/index.ts'
import { fundsIn, isOwner, outputCodec } from '../src/state/outputs.ts'

const owners = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyOutput: fc.Arbitrary<Output> = fc.record({
  asset: fc.constantFrom(...ASSETS),
  amount: fc.maxSafeNat().map((amount) => Math.max(amount, 1)),
  owner: owners,
  zone: fc.nat(65_535),
})

/** What was read, or the code of what was wrong. */
function attempt(read: () => Pick<Output, 'asset' | 'amount'>): unknown {
  try {
    const { asset, amount } = read()
    return { asset, amount }
  } catch (err) {
    return err instanceof MalformedError ? err.code : err
  }
}

describe('a row of an output', () => {
  it('is worth what it says, and belongs to whom it says', () => {
    fc.assert(
      fc.property(anyOutput, owners, fc.nat(31), (output, other, place) => {
        const row = encode(outputCodec, output)
        // As a cache has it, and as a reader of memory that is shared has it.
        for (const bytes of [row, new Uint8Array(row)]) {
          expect(fundsIn(bytes)).toEqual({ asset: output.asset, amount: output.amount })
          expect(isOwner(bytes, output.owner)).toBe(true)
          expect(isOwner(bytes, other)).toBe(Buffer.compare(other, output.owner) === 0)
          const near = Uint8Array.from(output.owner)
          near[place] = (near[place] ?? 0) ^ 1
          expect(isOwner(bytes, near)).toBe(false)
        }
      }),
    )
  })

  it('is read as the codec reads it, whatever its bytes are, or not at all', () => {
    const almost = anyOutput.map((output) => Uint8Array.from(encode(outputCodec, output)))
    const mutated = fc.tuple(almost, fc.nat(10), fc.nat(255)).map(([row, place, byte]) => {
      row[place] = byte
      return row
    })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 50 })), (row) => {
        expect(attempt(() => fundsIn(row))).toEqual(attempt(() => outputs.parse(row)))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['2^53', (row: Buffer) => row.writeUIntBE(0x20_00_00, 1, 3)],
    ['nothing', (row: Buffer) => row.fill(0, 1, 9)],
    ['an asset that there is not', (row: Buffer) => row.writeUInt8(3)],
  ])('of %s is refused', (_, spoil) => {
    const row = Buffer.from(encode(outputCodec, { asset: 'thb', amount: 5, owner: new Uint8Array(32), zone: 1 }))
    spoil(row)
    expect(() => fundsIn(row)).toThrow(MalformedError)
  })
})

it('refuses a row that is a byte too short or too long', () => {
  const row = encode(outputCodec, { asset: 'thb', amount: 5, owner: new Uint8Array(32), zone: 1 })
  expect(attempt(() => fundsIn(row.subarray(0, -1)))).toBe('truncated')
  expect(attempt(() => fundsIn(Buffer.concat([row, Buffer.of(0)])))).toBe('trailing-bytes')
})

it('has a key for each number, whichever was asked for before', () => {
  expect([1, 2, 1, 258].map((zone) => Buffer.from(zones.key(zone)).toString('hex'))).toEqual([
    '7a0001',
    '7a0002',
    '7a0001',
    '7a0102',
  ])
})

describe('what is encoded alone', () => {
  const text: Codec<string> = { write: (value, writer) => void writer.text(value), read: (reader) => reader.text(9) }

  it('stays as it is when something else is encoded', () => {
    const first = encode(text, 'one')
    encode(text, 'another')
    expect(Buffer.from(first).toString('latin1')).toBe('\0\u0003one')
  })

  it('may be encoded within another one, and after one that failed', () => {
    const nested: Codec<string> = { ...text, write: (value, writer) => void writer.u8(1).sized(encode(text, value)) }
    expect(Buffer.from(encode(nested, 'in')).toString('hex')).toBe('0100040002696e')
    const broken: Codec<number> = { write: (value, writer) => void writer.u8(7).integer(value), read: () => 0 }
    expect(() => encode(broken, -1)).toThrow(RangeError)
    expect(Buffer.from(encode(text, 'ok')).toString('hex')).toBe('00026f6b')
  })
})

it('fetches each key once, gives each its row, and throws for any other', async () => {
  const keys = ['a', 'b', 'a', 'c', 'b'].map((text) => Buffer.from(text))
  const asked: string[] = []
  const state = await FetchedState.of(keys, async (wanted) => {
    asked.push(...wanted.map(String))
    return Promise.resolve(wanted.map((key) => (String(key) === 'b' ? undefined : Buffer.from(`row ${String(key)}`))))
  })
  expect(asked).toEqual(['a', 'b', 'c'])
  const rows = ['a', 'b', 'c'].map((text) => state.get(Buffer.from(text))?.toString())
  expect(rows).toEqual(['row a', undefined, 'row c'])
  const refusal = { name: 'NotFetchedError', code: 'not-fetched', message: expect.stringContaining('64') }
  expect(() => state.get(Buffer.from('d'))).toThrow(expect.objectContaining(refusal))
  expect(state.named('c')).toBe(state.get(Buffer.from('c')))
})
