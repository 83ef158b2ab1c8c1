import type { BroadcastHandler } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { encodeFrame } from '../src/frame.ts'
import { CHUNK_HANDLER } from '../src/index.ts'
import {
  collect,
  connect,
  createNode,
  createRawPeer,
  eventually,
  meet,
  meshOf,
  PATIENCE_MS,
  type RawPeer,
  stopNodes,
  type TestNode,
  type TestNodeInit,
  wireTopic,
} from './helpers/nodes.ts'
import { announce, pattern } from './helpers/payloads.ts'

const TOPIC = wireTopic('orders')

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** A node between two peers that bring messages and one behind it, which hears of them by it alone. */
async function line(init: TestNodeInit, take: BroadcastHandler): Promise<Line> {
  const [node, behind] = [await createNode(init), await createNode()]
  const [first, second] = [await createRawPeer(), await createRawPeer()]
  node.broadcast.subscribe('orders', take)
  const received = collect([behind], 'orders')
  await connect(behind, node)
  for (const peer of [first, second]) await meet(peer, node, 'orders')
  await meshOf(node, 'orders', 3)
  await meshOf(behind, 'orders', 1)
  return { node, first, second, received: () => received.get(behind.peerId.toString()) ?? [] }
}

interface Line {
  node: TestNode
  first: RawPeer
  second: RawPeer
  received: () => Uint8Array[]
}

function pushed(payload: Uint8Array): Uint8Array {
  return encodeFrame({ lane: 'normal', isDirected: false, origin: new Uint8Array(38), hops: 0, topic: '', payload })
}

it('passes on what one peer announced and never gave, once another has brought it whole', async () => {
  const { node, first, second, received } = await line({}, () => 'accept')
  const payload = pattern(200_000)
  first.unicast.handle(CHUNK_HANDLER, () => new Promise(() => undefined))
  await first.pubsub.publish(TOPIC, announce(TOPIC, payload, { topic: '' }).frame)
  await eventually(() => expect(node.unicast?.requested).toHaveLength(1))

  await second.pubsub.publish(TOPIC, pushed(payload))
  await eventually(() => expect(received()).toHaveLength(1))
  expect(received().map((bytes) => Buffer.compare(bytes, payload))).toEqual([0])
})

it('passes on what it did not take from the first peer, which was over its rate', async () => {
  const limited = new Set<string>()
  let refusals = 0
  const rateLimiter: TestNodeInit['rateLimiter'] = {
    take: (peer) => {
      if (!limited.has(peer.toString())) return { ok: true }
      refusals++
      return { ok: false, limit: 'messagesPerSecond', value: 1, retryAfterMs: 1 }
    },
  }
  const { first, second, received } = await line({ rateLimiter }, () => 'accept')
  limited.add(first.peerId.toString())
  await first.pubsub.publish(TOPIC, pushed(Uint8Array.of(1)))
  await eventually(() => expect(refusals).toBe(1))
  await second.pubsub.publish(TOPIC, pushed(Uint8Array.of(1)))
  await eventually(() => expect(received()).toEqual([Uint8Array.of(1)]))
})

it('judges what it had no room for, and passes it on, once it has room and though nobody brings it again', async () => {
  let isBusy = true
  let calls = 0
  const { first, received } = await line({}, () => {
    calls++
    return isBusy ? 'busy' : 'accept'
  })
  for (const content of [1, 2, 3]) await first.pubsub.publish(TOPIC, pushed(Uint8Array.of(content)))
  await eventually(() => expect(calls).toBeGreaterThan(3))
  expect(received()).toEqual([])
  isBusy = false
  await eventually(() => expect(received()).toEqual([1, 2, 3].map((content) => Uint8Array.of(content))))
})
