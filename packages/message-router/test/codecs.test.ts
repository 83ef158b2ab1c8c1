import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { bytesCodec, InvalidValueError, jsonCodec } from '../src/index.ts'

const schema = z.object({ zone: z.string(), lines: z.array(z.object({ kilowatts: z.number() })) })
const codec = jsonCodec((value) => schema.parse(value))

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function failure(call: () => unknown): InvalidValueError {
  try {
    call()
  } catch (err) {
    if (err instanceof InvalidValueError) return err
    throw err
  }
  throw new RangeError('nothing was thrown')
}

/** Decodes with a parser that throws `err`. */
function throwing(err: unknown): () => unknown {
  const failing = jsonCodec(() => {
    throw err
  })
  return () => failing.decode(bytes('1'))
}

it('gives back every JSON value', () => {
  const any = jsonCodec((value) => value)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value)
      expect(JSON.stringify(any.decode(any.encode(value)))).toBe(json)
    }),
  )
})

it('takes the parse of a zod schema, and keeps the path and the cause of its fault', () => {
  expect(codec.decode(codec.encode({ zone: 'north', lines: [{ kilowatts: 3 }] })).lines).toEqual([{ kilowatts: 3 }])
  const error = failure(() => codec.decode(bytes('{"zone":"north","lines":[{"kilowatts":1},{"kilowatts":"2"}]}')))
  expect(error.path).toEqual(['lines', 1, 'kilowatts'])
  expect(error.message).toMatch(/^At lines\.1\.kilowatts: .*number/)
  expect(error.cause).toBeInstanceOf(z.ZodError)
})

it('reads the path from the error itself, and from steps that are objects with a key', () => {
  expect(failure(throwing(Object.assign(new TypeError('x'), { path: ['a', 0] }))).path).toEqual(['a', 0])
  const issues = [{ message: 'too small', path: [{ key: 'a' }, { key: 2 }] }]
  expect(failure(throwing({ issues })).message).toBe('At a.2: too small')
  expect(failure(throwing('only words')).message).toBe('only words')
  expect(failure(throwing(null)).path).toEqual([])
})

it.each(['', '{', '{"zone":', 'undefined', '\uFEFF{}'])('refuses %j, which is not JSON', (text) => {
  expect(failure(() => codec.decode(bytes(text))).message).toMatch(/^not JSON/)
})

it('refuses bytes that are not UTF-8', () => {
  expect(failure(() => codec.decode(new Uint8Array([0x22, 0xff, 0x22]))).code).toBe('invalid-value')
})

it('refuses to encode what JSON cannot hold', () => {
  const any = jsonCodec((value) => value)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const value of [undefined, () => {}, 1n, circle]) expect(() => any.encode(value)).toThrow(InvalidValueError)
})

it('passes bytes as they are', () => {
  const value = new Uint8Array([1, 2, 3])
  expect(bytesCodec.decode(bytesCodec.encode(value))).toBe(value)
})
