import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { splitPayload } from '@gridmesh/chunking'
import { LANES } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { expect, it } from 'vitest'
import { decodeAck, encodeAck } from '../src/ack-codec.ts'
import { decodeChunkReply, decodeChunkRequest, encodeChunkReply, encodeChunkRequest } from '../src/chunk-codec.ts'
import {
  CHUNK_BYTES,
  MAX_ACK_IDS,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_FRAME_OVERHEAD_BYTES,
  MAX_ORIGIN_BYTES,
} from '../src/constants.ts'
import { decodeFrame, encodeFrame, type Frame, frameId } from '../src/frame.ts'
import { garbageId, manifestId, messageId, toHex } from '../src/message-id.ts'
import { ChunkReply } from '../src/pb/broadcast.ts'
import { decodeControl, encodeControl } from '../src/tree-codec.ts'
import { pattern } from './helpers/payloads.ts'

const MAX = 1_000
const LIMITS = { maxMessageBytes: 1_000_000, maxPushedBytes: MAX }
const ORIGIN = Uint8Array.from({ length: 38 }, (_, i) => i)

const ANNOUNCED = { root: Uint8Array.from({ length: 32 }, (_, i) => 255 - i), totalBytes: 300_000, chunkBytes: 65_536 }

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

function idFrom(first: number): Uint8Array {
  return Uint8Array.from({ length: 20 }, (_, i) => first + i)
}

function golden(name: string): Uint8Array {
  return fromString(readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8').trim(), 'base16')
}

it('reads back every frame it writes', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeFrame(encodeFrame(frame), LIMITS)).toEqual(frame)
    }),
  )
})

it('reads and writes the golden frames', () => {
  const payload = new Uint8Array([1, 2, 3])
  const gossip: Frame = { lane: 'normal', isDirected: false, origin: ORIGIN, hops: 0, topic: '', payload }
  const flood: Frame = { ...gossip, lane: 'critical', hops: 6, topic: '/gridmesh/test-chain/alarm/1' }
  const directed: Frame = { ...flood, lane: 'bulk', isDirected: true, hops: 0 }
  for (const [name, frame] of Object.entries({ gossip, flood, directed })) {
    expect(decodeFrame(golden(name), LIMITS)).toEqual(frame)
    expect(toString(encodeFrame(frame), 'base16')).toBe(toString(golden(name), 'base16'))
  }
})

it('reads and writes the golden announcement, whose id is that of its manifest', () => {
  const frame: Frame = {
    lane: 'critical',
    isDirected: false,
    origin: ORIGIN,
    hops: 6,
    topic: '/gridmesh/test-chain/alarm/1',
    payload: new Uint8Array(),
    announced: ANNOUNCED,
  }
  expect(decodeFrame(golden('announcement'), LIMITS)).toEqual(frame)
  expect(toString(encodeFrame(frame), 'base16')).toBe(toString(golden('announcement'), 'base16'))
  expect(toHex(frameId(frame.topic, frame))).toBe('b5f62a70dd9ad9c4044b971e1d8aa95b3a60c863')
})

it('reads and writes the golden request for chunks, and the golden answer', () => {
  const question = { id: Uint8Array.from({ length: 20 }, (_, i) => i), indexes: [0, 1, 1_599] }
  expect(decodeChunkRequest(golden('chunk-request'))).toEqual(question)
  expect(encodeChunkRequest(question)).toEqual(golden('chunk-request'))
  const chunks = [
    { index: 0, bytes: new Uint8Array([1, 2, 3]), proof: ANNOUNCED.root },
    { index: 1_599, bytes: new Uint8Array([4]), proof: new Uint8Array() },
  ]
  expect(decodeChunkReply(golden('chunk-reply'), 2)).toEqual(chunks)
  expect(encodeChunkReply(chunks)).toEqual(golden('chunk-reply'))
})

it('reads and writes the golden control message of a tree', () => {
  const control = { ihave: [idFrom(0)], graft: [idFrom(100)], prune: [idFrom(200)] }
  expect(decodeControl(golden('tree-control'))).toEqual(control)
  expect(encodeControl(control)).toEqual(golden('tree-control'))
})

it('has room in an announcement for the longest origin and topic, and calls more than that malformed', () => {
  const longest: Frame = {
    lane: 'bulk',
    isDirected: true,
    origin: new Uint8Array(MAX_ORIGIN_BYTES),
    hops: 0xffff_ffff,
    topic: `/gridmesh/${'c'.repeat(64)}/${'t'.repeat(128)}/1`,
    payload: new Uint8Array(),
    announced: { ...ANNOUNCED, totalBytes: 104_857_600 },
  }
  const limits = { maxMessageBytes: 104_857_600, maxPushedBytes: MAX }
  const bytes = encodeFrame(longest)
  expect(decodeFrame(bytes, limits)).toEqual(longest)
  expect(bytes.length).toBeLessThanOrEqual(MAX_FRAME_OVERHEAD_BYTES + MAX_ANNOUNCEMENT_BYTES)
  const padding = Uint8Array.from([0x7a, 0xff, 0x02, ...new Uint8Array(0x17f)])
  expect(decodeFrame(Uint8Array.from([...bytes, ...padding]), limits)).toBe('malformed')
})

it('takes an announcement of maxMessageBytes and of what may just not be pushed, and refuses a byte beyond', () => {
  const frame: Frame = {
    lane: 'normal',
    isDirected: false,
    origin: ORIGIN,
    hops: 0,
    topic: '',
    payload: new Uint8Array(),
    announced: ANNOUNCED,
  }
  const read = (parts: Partial<typeof ANNOUNCED>, payload = frame.payload): unknown =>
    decodeFrame(encodeFrame({ ...frame, payload, announced: { ...ANNOUNCED, ...parts } }), LIMITS)
  for (const totalBytes of [131_073, 1_000_000])
    expect(read({ totalBytes })).toHaveProperty('announced.totalBytes', totalBytes)
  expect(read({ totalBytes: 1_000_001 })).toBe('too-large')
  expect(read({ totalBytes: 131_072 })).toBe('malformed')
  expect(read({ totalBytes: 0 })).toBe('malformed')
  expect(read({ chunkBytes: 65_535 })).toBe('malformed')
  expect(read({ root: new Uint8Array(31) })).toBe('malformed')
  expect(read({ root: new Uint8Array() })).toBe('malformed')
  expect(read({}, new Uint8Array(1))).toBe('malformed')
})

it('reads no more chunks than were asked for, and none that lack a part', () => {
  const chunk = { index: 0, bytes: new Uint8Array(65_536), proof: new Uint8Array(11 * 32) }
  expect(decodeChunkReply(encodeChunkReply([chunk]), 1)).toEqual([chunk])
  expect(decodeChunkReply(encodeChunkReply([chunk, chunk]), 1)).toBeUndefined()
  const tiny = { index: 0, bytes: new Uint8Array(), proof: new Uint8Array() }
  expect(decodeChunkReply(encodeChunkReply([tiny, tiny]), 1)).toBeUndefined()
  expect(decodeChunkReply(encodeChunkReply([]), 1)).toBeUndefined()
  const lists = { indexes: [0], chunks: [new Uint8Array(1)], proofs: [new Uint8Array(32)] }
  for (const part of Object.keys(lists)) {
    expect(decodeChunkReply(ChunkReply.encode({ ...lists, [part]: [] }), 1)).toBeUndefined()
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => void decodeChunkReply(bytes, 3)))
})

it('gives a payload of one chunk an id by its bytes, and a longer one by its root, however it comes', () => {
  const topic = '/gridmesh/test-chain/blocks/1'
  const short = pattern(CHUNK_BYTES)
  expect(toHex(messageId(topic, short))).toBe(
    createHash('sha256').update(`${topic}\0`).update(short).digest('hex').slice(0, 40),
  )
  const long = pattern(CHUNK_BYTES + 1)
  const manifest = splitPayload(long)
  expect(toHex(messageId(topic, long))).toBe(toHex(manifestId(topic, manifest)))
  expect(toHex(manifestId(topic, { root: manifest.root, totalBytes: 70_000, chunkBytes: CHUNK_BYTES }))).not.toBe(
    toHex(messageId(topic, long)),
  )
  // What an announcement hashes, as a payload of its own.
  const length = new Uint8Array([0, 1, 0, 1])
  const lookalike = Uint8Array.from([...length, ...manifest.root])
  expect(toHex(messageId(topic, lookalike))).not.toBe(toHex(messageId(topic, long)))
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
  expect(decodeFrame(encodeFrame(frame), LIMITS)).toMatchObject({ payload: { length: MAX } })
  expect(decodeFrame(encodeFrame({ ...frame, payload: new Uint8Array(MAX + 1) }), LIMITS)).toBe('too-large')
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
  expect(decodeFrame(Uint8Array.from([...small, ...padding]), LIMITS)).toBe('malformed')
})

it('calls anything else malformed or too large, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const frame = decodeFrame(bytes, LIMITS)
      expect(['malformed', 'too-large', 'object']).toContain(typeof frame === 'string' ? frame : typeof frame)
    }),
  )
  expect(decodeFrame(new Uint8Array(), LIMITS)).toBe('malformed')
  expect(decodeFrame(Uint8Array.from([0x08, 0x02]), LIMITS)).toBe('malformed')
})

it('survives the loss or the flip of any byte', () => {
  const corrupted = fc.tuple(frames, fc.nat(), fc.integer({ min: 1, max: 255 }))
  fc.assert(
    fc.property(corrupted, ([frame, position, flip]) => {
      const bytes = encodeFrame(frame)
      const at = position % bytes.length
      const flipped = bytes.map((byte, i) => (i === at ? byte ^ flip : byte))
      for (const damaged of [bytes.subarray(0, at), flipped]) expect(() => decodeFrame(damaged, LIMITS)).not.toThrow()
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
