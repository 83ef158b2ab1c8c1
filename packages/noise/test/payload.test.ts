import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NoiseHandshakeError } from '../src/errors.ts'
import { decodePayload, encodePayload } from '../src/payload.ts'
import { hex, toHex } from './helpers.ts'

const payload = fc.record({
  identityKey: fc.uint8Array(),
  identitySignature: fc.uint8Array(),
  extensions: fc.option(
    fc.record({
      webtransportCerthashes: fc.array(fc.uint8Array()),
      streamMuxers: fc.array(fc.string({ unit: 'grapheme' })),
    }),
    { nil: undefined },
  ),
})

describe('payload', () => {
  it('is what was encoded', () => {
    fc.assert(
      fc.property(payload, (given) => {
        expect(plain(decodePayload(encodePayload(given)))).toEqual(plain(given))
      }),
    )
  })

  it('has the bytes of the schema', () => {
    const bytes = encodePayload({
      identityKey: Uint8Array.of(1, 2),
      identitySignature: Uint8Array.of(3),
      extensions: { webtransportCerthashes: [Uint8Array.of(4)], streamMuxers: ['/m'] },
    })
    expect(toHex(bytes)).toBe('0a02010212010322070a010412022f6d')
  })

  it('skips fields it does not know', () => {
    // Field 3 was early data in an older specification, field 9 is none.
    const bytes = hex('0a01011a03aabbcc1201024805')
    expect(toHex(decodePayload(bytes).identitySignature)).toBe('02')
  })

  it('decodes any bytes, or fails with a typed error', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      // Truncated, and with a bit flipped.
      fc.tuple(payload, fc.nat(), fc.nat(), fc.nat(7)).map(([given, end, at, bit]) => {
        const bytes = encodePayload(given)
        const cut = bytes.slice(0, end % (bytes.length + 1))
        if (cut.length > 0) cut[at % cut.length] = (cut[at % cut.length] ?? 0) ^ (1 << bit)
        return cut
      }),
    )
    fc.assert(
      fc.property(anything, (bytes) => {
        expect([undefined, 'malformed-payload']).toContain(faultOf(bytes))
      }),
    )
  })

  it('refuses a field that runs over the end of its message', () => {
    expect(() => decodePayload(hex('22030a050102030405'))).toThrow(
      expect.objectContaining({ code: 'malformed-payload' }),
    )
  })
})

/** The code of the error that decoding ends with, if it does. */
function faultOf(bytes: Uint8Array): unknown {
  try {
    decodePayload(bytes)
    return undefined
  } catch (err) {
    return err instanceof NoiseHandshakeError ? err.code : err
  }
}

function plain(value: ReturnType<typeof decodePayload>): unknown {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? toHex(item) : item)))
}
