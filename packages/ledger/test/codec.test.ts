import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader, ByteWriter, MalformedError } from '../src/index.ts'

const read = (bytes: Uint8Array): ByteReader => new ByteReader(bytes, 'test', 1_000)
const code = (call: () => unknown): string => {
  try {
    call()
  } catch (err) {
    if (err instanceof MalformedError) return err.code
    throw err
  }
  return 'read'
}

/** Reads one to three bytes, ascending. */
const list =
  (hex: string): (() => unknown) =>
  () => {
    const reader = read(Buffer.from(hex, 'hex'))
    return reader.ascending(
      1,
      3,
      () => reader.u8(),
      (a, b) => a - b,
    )
  }

it('reads back whatever was written', () => {
  const numbers = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 65_535 }), fc.maxSafeNat())
  fc.assert(
    fc.property(
      numbers,
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'grapheme' }),
      ([a, b, c], bytes, text) => {
        const writer = new ByteWriter().u8(a).u16(b).integer(c).sized(bytes).text(text)
        const reader = read(writer.finish())
        expect([reader.u8(), reader.u16(), reader.integer()]).toEqual([a, b, c])
        expect(new Uint8Array(reader.sized(300))).toEqual(bytes)
        expect(reader.text(1_000)).toBe(text)
        reader.end()
      },
    ),
  )
})

it('reads 2^53 - 1 and not 2^53', () => {
  expect(read(Buffer.from('001fffffffffffff', 'hex')).integer()).toBe(Number.MAX_SAFE_INTEGER)
  expect(code(() => read(Buffer.from('0020000000000000', 'hex')).integer())).toBe('unsafe-integer')
  for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
    expect(() => new ByteWriter().integer(value)).toThrow(RangeError)
  }
})

it('refuses what is not UTF-8, not one of the choices, not ascending, too long, too few, or not all', () => {
  expect(code(() => read(Buffer.from('0002c3ff', 'hex')).text(9))).toBe('not-utf8')
  expect(code(() => read(Buffer.of(2)).choice(['a', 'b']))).toBe('unknown-value')
  expect(code(list('0003010203'))).toBe('read')
  expect(code(list('00020201'))).toBe('not-ascending')
  expect(code(list('00020101'))).toBe('not-ascending')
  expect(code(list('0000'))).toBe('empty')
  expect(code(list('000401020304'))).toBe('oversize')
  expect(code(list('000201'))).toBe('truncated')
  expect(code(() => read(Buffer.of(1)).end())).toBe('trailing-bytes')
  expect(code(() => read(Buffer.alloc(1_001)))).toBe('oversize')
})
