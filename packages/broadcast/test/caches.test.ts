import type { Message } from '@libp2p/gossipsub'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { IdBatcher } from '../src/id-batcher.ts'
import { MAX_COPIES_PER_ID, MAX_WATCHED_IDS } from '../src/constants.ts'
import { DuplicateCache } from '../src/duplicate-cache.ts'
import { encodeFrame } from '../src/frame.ts'
import { FrameReader } from '../src/frame-reader.ts'
import { GossipIds } from '../src/gossip-ids.ts'
import { garbageId, messageId, toHex } from '../src/message-id.ts'
import { WindowCounter } from '../src/window-counter.ts'
import { peerIds } from './helpers/peer-ids.ts'

const TOPIC = '/gridmesh/test-chain/orders/1'
const PAYLOAD = new Uint8Array([1, 2, 3])
const ID = messageId(TOPIC, PAYLOAD)

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

function message(origin = new Uint8Array(38), topic = ''): Message {
  const data = encodeFrame({ lane: 'normal', isDirected: false, origin, hops: 0, topic, payload: PAYLOAD })
  return { type: 'unsigned', topic: TOPIC, data }
}

it('forgets a message that was not judged, but none that came in its place or is our own', () => {
  const cache = new DuplicateCache(10, 1_000)
  const first = cache.add('a', 'busy')
  cache.remove('a', first)
  expect(cache.get('a')).toBeUndefined()
  const second = cache.add('a', 'busy')
  cache.remove('a', first)
  expect(cache.get('a')).toBe(second)
  second.isOwn = true
  cache.remove('a', second)
  expect(cache.get('a')).toBe(second)
})

it('remembers an id for its lifetime and not a millisecond longer', () => {
  const cache = new DuplicateCache(10, 1_000)
  const known = cache.add('a', 'accept')
  vi.advanceTimersByTime(999)
  expect(cache.get('a')).toBe(known)
  vi.advanceTimersByTime(1)
  expect(cache.get('a')).toBeUndefined()
  cache.add('b', 'accept')
  expect(cache.size).toBe(1)
})

it('remembers exactly the newest maxIds ids', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.uniqueArray(fc.string(), { maxLength: 20 }), (maxIds, ids) => {
      const cache = new DuplicateCache(maxIds, 1_000)
      for (const id of ids) cache.add(id, 'accept')
      expect(ids.filter((id) => cache.get(id) !== undefined)).toEqual(ids.slice(-maxIds))
      expect(cache.size).toBe(Math.min(maxIds, ids.length))
    }),
  )
})

it('lets no key pass its limit within a window, and holds no more than maxKeys', () => {
  const counter = new WindowCounter(10, 2)
  expect(counter.tryTake('a', 10)).toBe(true)
  expect(counter.tryTake('a', 1)).toBe(false)
  expect(counter.tryTake('b', 11)).toBe(false)
  expect(counter.tryTake('b', 4)).toBe(true)
  expect(counter.tryTake('c', 1)).toBe(false)
  vi.advanceTimersByTime(999)
  expect(counter.tryTake('a', 1)).toBe(false)
  vi.advanceTimersByTime(1)
  expect(counter.tryTake('c', 1)).toBe(true)
})

it('gathers acknowledgements to one peer, sends full batches at once, and stops at the limit per second', async () => {
  const [peer, other] = await peerIds(2)
  const sent: [string, number][] = []
  const batcher = new IdBatcher({
    delayMs: 20,
    maxIdsPerBatch: 3,
    maxIdsPerSecond: 5,
    send: (to, ids) => sent.push([to.toString(), ids.length]),
  })
  for (let i = 0; i < 5; i++) expect(batcher.add(peer, ID)).toBe(true)
  expect(batcher.add(peer, ID)).toBe(false)
  expect(batcher.add(other, ID)).toBe(true)
  expect(sent).toEqual([[peer.toString(), 3]])
  vi.advanceTimersByTime(20)
  expect(sent.slice(1)).toEqual([
    [peer.toString(), 2],
    [other.toString(), 1],
  ])
  vi.advanceTimersByTime(1_000)
  expect(batcher.add(peer, ID)).toBe(true)
  batcher.clear()
  expect(vi.getTimerCount()).toBe(0)
})

it('gives a message one id whoever claims to have written it, and garbage another', () => {
  const ids = new GossipIds(new FrameReader({ maxMessageBytes: 1_000, maxPushedBytes: 1_000 }))
  expect(ids.idOf(message())).toEqual(ID)
  expect(ids.idOf(message(new Uint8Array(34).fill(7)))).toEqual(ID)
  expect(ids.idOf(message(new Uint8Array(38), TOPIC))).toEqual(ID)
  const garbage: Message = { type: 'unsigned', topic: TOPIC, data: PAYLOAD }
  expect(ids.idOf(garbage)).toEqual(garbageId(PAYLOAD))
  expect(ids.read(message(new Uint8Array(38), '/gridmesh/test-chain/other/1'))).toBe('malformed')
})

it('shows gossipsub further copies of a watched message as new, up to a limit, and none of our own publish', async () => {
  const ids = new GossipIds(new FrameReader({ maxMessageBytes: 1_000, maxPushedBytes: 1_000 }))
  ids.watch(toHex(ID))
  const publish = message()
  await ids.publishing(toHex(ID), async () => expect(ids.idOf(publish)).toEqual(ID))
  expect(ids.isCopy(publish)).toBe(false)

  const seen = new Set<string>()
  for (let i = 0; i < MAX_COPIES_PER_ID; i++) {
    const copy = message()
    seen.add(toHex(ids.idOf(copy)))
    expect(ids.isCopy(copy)).toBe(true)
  }
  expect(seen.size).toBe(MAX_COPIES_PER_ID)
  expect(seen.has(toHex(ID))).toBe(false)
  expect(ids.idOf(message())).toEqual(ID)

  ids.unwatch(toHex(ID))
  ids.watch(toHex(ID))
  for (let i = 0; i < MAX_WATCHED_IDS; i++) ids.watch(`${i}`)
  expect(ids.idOf(message())).toEqual(ID)
})
