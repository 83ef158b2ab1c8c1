import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decode,
  encodeCall,
  encodeCredit,
  encodeError,
  encodeName,
  encodePayload,
  encodeRefusal,
  encodeSignal,
  TYPE,
} from '../src/wire.ts'
import { MESSAGES } from './fixtures/messages.ts'
import { bytes, hex, unhex } from './helpers.ts'

const flat = (message: ReturnType<typeof encodePayload>): Uint8Array =>
  message instanceof Uint8Array ? message : message.subarray()
const golden = (name: keyof typeof MESSAGES): string => MESSAGES[name].replaceAll(' ', '')
const malformed = expect.objectContaining({ name: 'MalformedMessageError', report: 'protocol-violation' })

describe('golden messages', () => {
  it.each(['send', 'request', 'open'] as const)('decodes and encodes a %s', (name) => {
    const message = decode(unhex(MESSAGES[name]))
    expect(message).toMatchObject(
      {
        send: { type: TYPE.send, id: 1, deadlineMs: 10_000, key: undefined, name: 'log', payload: bytes('hi') },
        request: { type: TYPE.request, id: 300, deadlineMs: 1, name: 'echo', payload: bytes('ping') },
        open: { type: TYPE.open, id: 2, deadlineMs: 10_000, name: 'sync', payload: bytes('') },
      }[name],
    )
    const call = 'deadlineMs' in message ? message : undefined
    const again = call && encodeCall(call.type, call.id, call.deadlineMs, call.key, encodeName(call.name), call.payload)
    expect(again && hex(flat(again))).toBe(golden(name))
  })

  it.each(['response', 'data'] as const)('decodes and encodes a %s', (name) => {
    const message = decode(unhex(MESSAGES[name]))
    const payload = 'payload' in message ? message.payload : bytes('')
    const id = 'id' in message ? message.id : -1
    expect(message).toMatchObject(
      name === 'data' ? { id: 2, payload: unhex('ff00') } : { id: 300, payload: bytes('pong') },
    )
    expect(hex(flat(encodePayload(TYPE[name], id, payload)))).toBe(golden(name))
  })

  it('decodes and encodes an error', () => {
    const error = { code: 'busy', retryAfterMs: 250, limit: 'maxQueued', value: 128, message: 'Busy' }
    expect(decode(unhex(MESSAGES.error))).toEqual({ type: TYPE.error, id: 3, ...error })
    expect(hex(encodeError(3, error))).toBe(golden('error'))
  })

  it('decodes and encodes a refusal of a stream', () => {
    const error = { code: 'not-ready', retryAfterMs: 0, limit: '', value: 0, message: 'Wait' }
    expect(decode(unhex(MESSAGES.refusal))).toEqual({ type: TYPE.refusal, ...error })
    expect(hex(encodeRefusal(error))).toBe(golden('refusal'))
  })

  it('decodes and encodes the messages without payload', () => {
    expect(decode(unhex(MESSAGES.end))).toEqual({ type: TYPE.end, id: 2 })
    expect(decode(unhex(MESSAGES.cancel))).toEqual({ type: TYPE.cancel, id: 300 })
    expect(decode(unhex(MESSAGES.credit))).toEqual({ type: TYPE.credit, id: 2, bytes: 131_072 })
    expect(hex(encodeSignal(TYPE.end, 2))).toBe(golden('end'))
    expect(hex(encodeSignal(TYPE.cancel, 300))).toBe(golden('cancel'))
    expect(hex(encodeCredit(2, 131_072))).toBe(golden('credit'))
  })
})

it('reads back every call it writes', () => {
  const call = fc.record({
    type: fc.constantFrom(TYPE.send, TYPE.request, TYPE.open),
    id: fc.maxSafeNat(),
    deadlineMs: fc.maxSafeNat(),
    key: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
    name: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }),
    payload: fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ minLength: 4_096, maxLength: 5_000 })),
  })
  fc.assert(
    fc.property(call, (message) => {
      const { type, id, deadlineMs, key, name, payload } = message
      expect(decode(flat(encodeCall(type, id, deadlineMs, key, encodeName(name), payload)))).toEqual(message)
    }),
  )
})

it('cuts the texts of an error to what may cross the wire, between characters', () => {
  const error = { code: 'x'.repeat(100), message: 'é'.repeat(2_000), retryAfterMs: -1, limit: '', value: Number.NaN }
  const message = decode(encodeError(1, error))
  expect(message).toEqual({
    type: TYPE.error,
    id: 1,
    code: 'x'.repeat(64),
    message: 'é'.repeat(512),
    retryAfterMs: 0,
    limit: '',
    value: 0,
  })
})

describe('hostile bytes', () => {
  it.each([
    ['nothing', ''],
    ['an unknown type', '00 01'],
    ['a type without an id', '04'],
    ['a padded id', '04 8000'],
    ['an id over 53 bits', '04 ffffffffffffff7f'],
    ['a key of 5 bytes', '02 01 00 05 0102030405 01 61'],
    ['a call without a name', '02 01 00 00 00'],
    ['a name that is cut short', '02 01 00 00 05 6162'],
    ['a name that is not UTF-8', '02 01 00 00 02 c328'],
    ['an end with a payload', '07 01 00'],
    ['a credit with a payload', '08 01 01 00'],
    ['an error that is cut short', '05 01 04 6275'],
    ['a refusal that is cut short', '0a 04 6275'],
    ['an error with a code of 65 bytes', `05 01 41 ${'61'.repeat(65)} 00 00 00`],
    ['an error with a limit of 65 bytes', `05 01 00 00 41 ${'61'.repeat(65)} 00`],
    ['an error with a message of 1,025 bytes', `05 01 00 00 00 00 ${'61'.repeat(1_025)}`],
    ['a refusal with a message of 1,025 bytes', `0a 00 00 00 00 ${'61'.repeat(1_025)}`],
  ])('refuses %s', (_, message) => {
    expect(() => decode(unhex(message))).toThrow(malformed)
  })

  it('throws nothing but a MalformedMessageError', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 11 }), fc.uint8Array({ maxLength: 60 }), (type, rest) => {
        let thrown: unknown
        try {
          decode(Uint8Array.from([type, ...rest]))
        } catch (err) {
          thrown = err
        }
        expect([undefined, malformed]).toContainEqual(thrown)
      }),
      { numRuns: 1_000 },
    )
  })
})
