import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { decodeBatch, decodeReply, digestOf, encodeBatch, encodeReply, sameBytes } from '../src/wire.ts'

const KIND = { kind: 'order', maxBytes: 1_000 }
const LIMITS = { maxBatchMessages: 4, maxBatchBytes: 2_000 }

function golden(name: string): Uint8Array {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8').trim()
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

it('reads and writes the recorded broadcast batch', () => {
  const decoded = decodeBatch(KIND, golden('batch'), LIMITS)
  expect(decoded).toEqual({ messages: [text('one'), new Uint8Array(), text('three')] })
  expect(encodeBatch(decoded.messages)).toEqual(golden('batch'))
})

it('reads and writes the recorded unicast batch', () => {
  const decoded = decodeBatch(KIND, golden('batch-recipient'), LIMITS)
  expect(decoded).toEqual({ messages: [text('one')], recipient: text('peer') })
  expect(encodeBatch(decoded.messages, decoded.recipient)).toEqual(golden('batch-recipient'))
})

it('reads and writes the recorded answer', () => {
  const decoded = decodeReply('order:reply', golden('reply'))
  expect(decoded).toEqual({ request: digestOf(text('request')), message: text('answer') })
  expect(encodeReply(decoded.request, decoded.message)).toEqual(golden('reply'))
})

it('gives back every batch within its limits', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 1_000 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(messages, fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }), (values, recipient) => {
      const wide = { maxBatchMessages: 4, maxBatchBytes: 10_000 }
      const decoded = decodeBatch(KIND, encodeBatch(values, recipient), wide)
      expect(decoded.messages).toEqual(values)
      expect(sameBytes(decoded.recipient, recipient)).toBe(true)
    }),
  )
})

it('takes the largest message and the most messages, and refuses one more of either', () => {
  const largest = new Uint8Array(1_000)
  expect(decodeBatch(KIND, encodeBatch([largest]), { ...LIMITS, maxBatchBytes: 1 }).messages).toEqual([largest])
  expect(() => decodeBatch(KIND, encodeBatch([new Uint8Array(1_001)]), LIMITS)).toThrow(
    'over maxBytes.order, which is 1000',
  )
  const four = [1, 2, 3, 4].map((byte) => new Uint8Array([byte]))
  expect(decodeBatch(KIND, encodeBatch(four), LIMITS).messages).toHaveLength(4)
  expect(() => decodeBatch(KIND, encodeBatch([...four, text('x')]), LIMITS)).toThrow('too many elements')
})

it('never throws anything untyped, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const decode of [() => decodeBatch(KIND, bytes, LIMITS), () => decodeReply('order:reply', bytes)]) {
        expect(['decoded', 'malformed', 'too-large']).toContain(outcomeOf(decode))
      }
    }),
    { numRuns: 2_000 },
  )
})

function outcomeOf(decode: () => unknown): unknown {
  try {
    decode()
    return 'decoded'
  } catch (err) {
    return err instanceof Error && 'code' in err ? err.code : err
  }
}
