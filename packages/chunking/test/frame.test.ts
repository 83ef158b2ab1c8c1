import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FLAG_ABORT, FLAG_FIRST, FLAG_LAST, FLAG_REFUSE, FLAG_WHOLE } from '../src/frame.ts'
import { abortFrame, headerLength, refusalFrame, varintLength, writeHeader, writeVarint } from '../src/frame.ts'
import { FrameDecoder } from '../src/frame-decoder.ts'
import { FRAMES } from './fixtures/frames.ts'
import { fragments, hex, unhex } from './helpers.ts'

const compact = (bytes: string): string => bytes.replaceAll(' ', '')

interface Seen {
  flags: number
  id: number
  value: number
  code?: number
  payload: string
}

function decode(pieces: Uint8Array[]): Seen[] {
  const seen: Seen[] = []
  const decoder = new FrameDecoder({
    onData: (flags, id, total, bytes) => seen.push({ flags, id, value: total, payload: hex(bytes) }) > 0,
    onControl: (flags, id, value, code) => seen.push({ flags, id, value, code, payload: '' }) > 0,
  })
  for (const piece of pieces) expect(decoder.decode(piece)).toBe(piece.byteLength)
  expect(decoder.isInFrame).toBe(false)
  return seen
}

function encode(flags: number, id: number, total: number, payload: string): string {
  const bytes = unhex(payload)
  const frame = new Uint8Array(headerLength(flags, id, total, bytes.byteLength) + bytes.byteLength)
  frame.set(bytes, writeHeader(frame, 0, flags, id, total, bytes.byteLength))
  return hex(frame)
}

describe('golden frames', () => {
  it('decodes and encodes a message in one frame', () => {
    expect(decode([unhex(FRAMES.whole)])).toEqual([{ flags: FLAG_WHOLE, id: 0, value: 5, payload: '68656c6c6f' }])
    expect(encode(FLAG_WHOLE, 0, 5, '68656c6c6f')).toBe(compact(FRAMES.whole))
  })

  it('decodes and encodes an empty message', () => {
    expect(decode([unhex(FRAMES.empty)])).toEqual([{ flags: FLAG_WHOLE, id: 7, value: 0, payload: '' }])
    expect(encode(FLAG_WHOLE, 7, 0, '')).toBe(compact(FRAMES.empty))
  })

  it('decodes and encodes a message of several frames', () => {
    const seen = decode(FRAMES.several.map(unhex))
    expect(seen.map(({ flags, id, payload }) => ({ flags, id, payload }))).toEqual([
      { flags: FLAG_FIRST, id: 300, payload: '616263' },
      { flags: 0, id: 300, payload: '6465' },
      { flags: FLAG_LAST, id: 300, payload: '666768' },
    ])
    expect(seen[0]?.value).toBe(8)
    expect(seen.map(({ flags, id, payload }) => encode(flags, id, 8, payload))).toEqual(FRAMES.several.map(compact))
  })

  it('decodes and encodes an abort and a refusal', () => {
    expect(decode([unhex(FRAMES.abort)])).toEqual([{ flags: FLAG_ABORT, id: 300, value: 0, code: 0, payload: '' }])
    const refusal = { flags: FLAG_REFUSE, id: 2 ** 32, value: 65_536, code: 1, payload: '' }
    expect(decode([unhex(FRAMES.refuse)])).toEqual([refusal])
    expect(hex(abortFrame(300))).toBe(compact(FRAMES.abort))
    expect(hex(refusalFrame(2 ** 32, 65_536, 1))).toBe(compact(FRAMES.refuse))
  })
})

it('writes any number up to 2^53 - 1 in the length it announces, and reads it back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(300)), fc.integer({ min: 1, max: 5 }), (id, size) => {
      const target = new Uint8Array(16)
      expect(writeVarint(target, 0, id)).toBe(varintLength(id))
      const refusal = { flags: FLAG_REFUSE, id, value: id, code: 3, payload: '' }
      expect(decode(fragments(refusalFrame(id, id, 3), [size]))).toEqual([refusal])
    }),
  )
})

// A header of 21 bytes was a frame in one piece, and none in several: found by `npm run fuzz`.
it('refuses a header over 20 bytes in whatever pieces it comes, and takes one of 20', () => {
  const [longest, tooLong] = [2 ** 42 - 1, 2 ** 42].map((code) => refusalFrame(2 ** 32, 2 ** 53 - 1, code))
  expect([longest?.byteLength, tooLong?.byteLength]).toEqual([20, 21])
  for (const size of [1, 7, 20, 21]) {
    expect(decode(fragments(longest ?? unhex(''), [size]))).toMatchObject([{ flags: FLAG_REFUSE, code: 2 ** 42 - 1 }])
    expect(() => decode(fragments(tooLong ?? unhex(''), [size]))).toThrow('A header over 20 bytes')
  }
})
