import { readFileSync } from 'node:fs'
import { LANES } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { expect, it } from 'vitest'
import { decodeAck, encodeAck } from '../src/ack-codec.ts'
import { MAX_ACK_IDS, MAX_FRAME_OVERHEAD_BYTES, MAX_ORIGIN_BYTES } from '../src/constants.ts'
import { decodeFrame, encodeFrame, type Frame } from '../src/frame.ts'
import { garbageId, messageId, toHex } from '../src/message-id.ts'

const MAX = 1_000
const ORIGIN = Uint8Array.from({ length: 38 }, (_, i) => i)

const frames = fc.record<Frame>({
  lane: fc.constantFrom(...LANES),
  isDirected: fc.boolean(),
  origin: fc.uint8Array({ maxLength: MAX_ORIGIN_BYTES }),
  hops: fc.nat(255),
  topic: fc.constantFrom('', '/gridmesh/test-chain/orders/1'),
  payload: fc.uint8Array({ maxLength: MAX }),
})

function id(topic: string, payload: number[]): string {
  return toHex(messageId(topic, Uint8Array.from(payload)))
}

/** As many ids of `length` bytes. */
function idsOf(count: number, length: number): Uint8Array[] {
  return Array.from({ length: count }, () => new Uint8Array(length))
}

function golden(name: string): Uint8Array {
  return fromString(readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8').trim(), 'base16')
}

it('reads back every frame it writes', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeFrame(encodeFrame(frame), MAX)).toEqual(frame)
    }),
  )
})

it('reads and writes the golden frames', () => {
  const payload = new Uint8Array([1, 2, 3])
  const gossip: Frame = { lane: 'normal', isDirected: false, origin: ORIGIN, hops: 0, topic: '', payload }
  const flood: Frame = { ...gossip, lane: 'critical', hops: 6, topic: '/gridmesh/test-chain/alarm/1' }
  const directed: Frame = { ...flood, lane: 'bulk', isDirected: true, hops: 0 }
  for (const [name, frame] of Object.entries({ gossip, flood, directed })) {
    expect(decodeFrame(golden(name), MAX)).toEqual(frame)
    expect(toString(encodeFrame(frame), 'base16')).toBe(toString(golden(name), 'base16'))
  }
})

it('reads and writes the golden acknowledgement', () => {
  const ids = [messageId('/gridmesh/test-chain/alarm/1', new Uint8Array([1, 2, 3])), garbageId(new Uint8Array())]
  expect(decodeAck(golden('ack'))).toEqual(ids)
  expect(encodeAck(ids)).toEqual(golden('ack'))
})

it('takes a payload of the limit and refuses one byte more', () => {
  const frame: Frame = {
    lane: 'normal',
    isDirected: false,
    origin: ORIGIN,
    hops: 0,
    topic: '',
    payload: new Uint8Array(MAX),
  }
  expect(decodeFrame(encodeFrame(frame), MAX)).toMatchObject({ payload: { length: MAX } })
  expect(decodeFrame(encodeFrame({ ...frame, payload: new Uint8Array(MAX + 1) }), MAX)).toBe('too-large')
})

it('has room for the longest origin and topic, and for no padding beside', () => {
  const longest = encodeFrame({
    lane: 'bulk',
    isDirected: true,
    origin: new Uint8Array(MAX_ORIGIN_BYTES),
    hops: 0xffff_ffff,
    topic: `/gridmesh/${'c'.repeat(64)}/${'t'.repeat(128)}/1`,
    payload: new Uint8Array(MAX),
  })
  expect(longest.length - MAX).toBeLessThanOrEqual(MAX_FRAME_OVERHEAD_BYTES)
  // Field 15, unknown, as long as a frame may grow by.
  const padding = Uint8Array.from([0x7a, 0xff, 0x02, ...new Uint8Array(0x17f)])
  const small = encodeFrame({ lane: 'normal', isDirected: false, origin: ORIGIN, hops: 0, topic: '', payload: ORIGIN })
  expect(decodeFrame(Uint8Array.from([...small, ...padding]), MAX)).toBe('malformed')
})

it('calls anything else malformed or too large, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const frame = decodeFrame(bytes, MAX)
      expect(['malformed', 'too-large', 'object']).toContain(typeof frame === 'string' ? frame : typeof frame)
    }),
  )
  expect(decodeFrame(new Uint8Array(), MAX)).toBe('malformed')
  expect(decodeFrame(Uint8Array.from([0x08, 0x02]), MAX)).toBe('malformed')
})

it('survives the loss or the flip of any byte', () => {
  const corrupted = fc.tuple(frames, fc.nat(), fc.integer({ min: 1, max: 255 }))
  fc.assert(
    fc.property(corrupted, ([frame, position, flip]) => {
      const bytes = encodeFrame(frame)
      const at = position % bytes.length
      const flipped = bytes.map((byte, i) => (i === at ? byte ^ flip : byte))
      for (const damaged of [bytes.subarray(0, at), flipped]) expect(() => decodeFrame(damaged, MAX)).not.toThrow()
    }),
  )
})

it('refuses acknowledgements without ids, with ids of another length, or with too many', () => {
  expect(decodeAck(new Uint8Array())).toBeUndefined()
  expect(decodeAck(encodeAck([new Uint8Array(19)]))).toBeUndefined()
  expect(decodeAck(encodeAck(idsOf(MAX_ACK_IDS, 20)))).toHaveLength(MAX_ACK_IDS)
  expect(decodeAck(encodeAck(idsOf(MAX_ACK_IDS + 1, 20)))).toBeUndefined()
  // Ids of no bytes are as small as they get, so that the count is what refuses them.
  expect(decodeAck(encodeAck(idsOf(MAX_ACK_IDS + 1, 0)))).toBeUndefined()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 6_000 }), (bytes) => void decodeAck(bytes)))
})

it('derives an id from topic and payload alone, and keeps the two apart', () => {
  expect(id('a', [0x62, 0x63])).toBe(id('a', [0x62, 0x63]))
  expect(id('ab', [0x63])).not.toBe(id('a', [0x62, 0x63]))
  expect(id('a', [1])).toMatch(/^[0-9a-f]{40}$/)
})

it('gives garbage an id that no message can have', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toHex(garbageId(bytes))).not.toBe(toHex(messageId('/gridmesh/test-chain/orders/1', bytes)))
    }),
  )
})
