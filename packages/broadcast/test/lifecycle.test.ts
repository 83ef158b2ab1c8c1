import type { BroadcastHandler } from '@gridmesh/interfaces'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { start, stop } from '@libp2p/interface'
import { afterEach, expect, it, vi } from 'vitest'
import { BROADCAST_HANDLER } from '../src/index.ts'
import { encodeAck } from '../src/ack-codec.ts'
import { messageId } from '../src/message-id.ts'
import { encodeFrame } from '../src/frame.ts'
import { connect, createNode, eventually, PATIENCE_MS, stopNodes, type TestNode, wireTopic } from './helpers/nodes.ts'
import { announce, pattern } from './helpers/payloads.ts'
import { peerIds } from './helpers/peer-ids.ts'
import { TestRouter } from './helpers/test-router.ts'

const TOPIC = wireTopic('orders')
const EVENTS = ['subscription-change', 'gossipsub:graft', 'gossipsub:heartbeat'] as const

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(async () => {
  vi.useRealTimers()
  await stopNodes()
})

async function identify({ libp2p }: TestNode): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  libp2p.addEventListener('peer:identify', () => resolve(), { once: true })
  return promise
}

/** Timers that set themselves again. */
async function timers(): Promise<number> {
  return (await vi.runOnlyPendingTimersAsync()).getTimerCount()
}

function frameOf(author: TestNode, payload: Uint8Array): Uint8Array {
  const origin = author.peerId.toMultihash().bytes
  return encodeFrame({ lane: 'normal', isDirected: false, origin, hops: 0, topic: TOPIC, payload })
}

it('leaves no timer, listener or handler behind, whatever was under way', async () => {
  const router = new TestRouter()
  const [node, peer] = [await createNode({ gossip: () => router }), await createNode()]
  // libp2p sets timers of its own until both have identified each other.
  const identified = Promise.all([node, peer].map(identify))
  await connect(peer, node)
  await identified
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const handler = vi
    .fn<BroadcastHandler>()
    .mockReturnValueOnce('accept')
    .mockReturnValue(new Promise(() => undefined))
  node.broadcast.subscribe('orders', handler)

  // A delivery that learns, a wait for a mesh, an acknowledgement to send, and a handler that thinks.
  const published = node.broadcast.publish('orders', new Uint8Array([1]))
  await router.validate(peer.peerId, TOPIC, frameOf(peer, new Uint8Array([2])))
  const verdict = router.validate(peer.peerId, TOPIC, frameOf(peer, new Uint8Array([3])))
  vi.advanceTimersByTime(1)
  expect(vi.getTimerCount()).toBe(4)
  // The further ones look after new neighbours of trees, and after gossipsub's streams and who is told of messages.
  expect(EVENTS.map((event) => router.listenerCount(event))).toEqual([1, 2, 3])

  await stop(node.broadcast)
  await stop(node.broadcast)

  expect(node.unicast?.handlers.size).toBe(0)
  expect(router.isStarted).toBe(false)
  expect((await published).peers.size).toBe(0)
  expect(await verdict).toBe(TopicValidatorResult.Ignore)
  vi.advanceTimersByTime(1)
  expect(vi.getTimerCount()).toBe(0)
  expect(EVENTS.map((event) => router.listenerCount(event))).toEqual([0, 0, 0])
})

it('starts again with its subscriptions, and starting twice is starting once', async () => {
  const router = new TestRouter()
  const node = await createNode({ gossip: () => router })
  node.broadcast.subscribe('orders', () => 'accept')
  await stop(node.broadcast)
  expect(router.getTopics()).toEqual([])
  await start(node.broadcast, node.broadcast)
  expect(router.getTopics()).toEqual([TOPIC])
  expect(node.unicast?.handlers.has(BROADCAST_HANDLER)).toBe(true)
})

it('is stopped by a stop that comes while it starts, and started by a start that comes while it stops', async () => {
  const node = await createNode({ start: false })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const gossips = (): boolean => node.libp2p.getProtocols().some((protocol) => protocol.startsWith('/meshsub/'))
  await Promise.all([start(node.broadcast), stop(node.broadcast)])
  expect([gossips(), await timers()]).toEqual([false, 0])
  await start(node.broadcast)
  await Promise.all([stop(node.broadcast), start(node.broadcast)])
  expect([gossips(), await timers()]).toEqual([true, 1])
  await stop(node.broadcast)
  expect([gossips(), await timers()]).toEqual([false, 0])
})

it('leaves nothing running where its start fails, and starts again', async () => {
  const router = new TestRouter()
  const node = await createNode({ gossip: () => router, start: false })
  node.broadcast.subscribe('orders', () => 'accept')
  vi.spyOn(router, 'subscribe').mockImplementationOnce(() => {
    throw new RangeError('no')
  })
  await expect(start(node.broadcast)).rejects.toThrow('no')
  expect([router.isStarted, ...EVENTS.map((event) => router.listenerCount(event))]).toEqual([false, 0, 0, 0])
  await expect(node.broadcast.publish('orders', new Uint8Array())).rejects.toMatchObject({ name: 'NotStartedError' })
  await start(node.broadcast)
  expect(router.getTopics()).toEqual([TOPIC])
  await stop(node.broadcast)
})

it('reports zero peers after meshWaitMs without any', async () => {
  const router = new TestRouter()
  const node = await createNode({ gossip: () => router, meshWaitMs: 2_000 })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const published = node.broadcast.publish('orders', new Uint8Array([1]))
  await vi.advanceTimersByTimeAsync(1_999)
  expect(router.published).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect((await published).peers.size).toBe(0)
  expect(router.published).toHaveLength(1)
})

it('gossips as soon as a peer of the topic shows', async () => {
  const router = new TestRouter()
  const [node, peer] = [await createNode({ gossip: () => router }), await createNode()]
  const published = node.broadcast.publish('orders', new Uint8Array([1]))
  router.subscribers = [peer.peerId]
  router.safeDispatchEvent('subscription-change', { detail: { peerId: peer.peerId, subscriptions: [] } })
  expect([...(await published).peers.keys()]).toEqual([peer.peerId.toString()])
})

it('names every peer that a router which fails would have served', async () => {
  const router = new TestRouter()
  const [node, peer] = [await createNode({ gossip: () => router }), await createNode()]
  router.subscribers = [peer.peerId]
  vi.spyOn(router, 'publish').mockRejectedValue(new TypeError('no'))
  const delivery = await node.broadcast.publish('orders', new Uint8Array([1]))
  expect(Object.fromEntries(delivery.peers)).toEqual({
    [peer.peerId.toString()]: { status: 'dropped', reason: 'gossip-failed' },
  })
  expect(delivery.successRate).toBe(0)
})

it('refuses a gossip copy of what it flooded already with the same verdict', async () => {
  const router = new TestRouter()
  const [node, peer] = [await createNode({ gossip: () => router }), await createNode()]
  await connect(peer, node)
  const handler = vi.fn<BroadcastHandler>(([first]) => (first === 1 ? 'accept' : 'reject'))
  node.broadcast.subscribe('orders', handler)
  for (const [first, verdict] of [
    [1, TopicValidatorResult.Accept],
    [2, TopicValidatorResult.Reject],
  ] as const) {
    const flood = await peer.broadcast.publish('orders', new Uint8Array([first]), { strategy: 'flood' })
    await flood.settled()
    const bytes = frameOf(peer, new Uint8Array([first]))
    expect(await router.validate(peer.peerId, TOPIC, bytes)).toBe(verdict)
    // A router that has forgotten it: not to be passed on again, and no less invalid than before.
    const again = first === 1 ? TopicValidatorResult.Ignore : verdict
    expect(await router.validate(peer.peerId, TOPIC, bytes)).toBe(again)
  }
  expect(handler).toHaveBeenCalledTimes(2)

  // The receipt told the author already; only what gossip alone brings is acknowledged.
  const [gossiped, id] = [new Uint8Array([1, 2]), messageId(TOPIC, new Uint8Array([1, 2]))]
  await router.validate(peer.peerId, TOPIC, frameOf(peer, gossiped))
  await eventually(() => expect(node.unicast?.sent.map((entry) => entry.bytes)).toEqual([encodeAck([id])]))
})

it('takes a message from the second peer that brings it, and has no router pass it on under the id of a copy', async () => {
  const router = new TestRouter()
  const strangers = new Set<string>()
  const [node, stranger, peer] = [
    await createNode({
      gossip: (_components, options) => Object.assign(router, { options }),
      handshake: { isReady: (id) => !strangers.has(id.toString()) },
    }),
    await createNode(),
    await createNode(),
  ]
  strangers.add(stranger.peerId.toString())
  const handler = vi.fn<BroadcastHandler>(() => 'accept')
  node.broadcast.subscribe('orders', handler)
  const bytes = frameOf(peer, new Uint8Array([1]))

  // Gossipsub would pass the copy on under an id that other nodes do not know.
  expect(await router.validate(stranger.peerId, TOPIC, bytes)).toBe(TopicValidatorResult.Ignore)
  expect(handler).not.toHaveBeenCalled()
  expect(await router.validate(peer.peerId, TOPIC, bytes)).toBe(TopicValidatorResult.Ignore)
  expect(handler).toHaveBeenCalledTimes(1)
  expect(await router.validate(peer.peerId, TOPIC, frameOf(peer, new Uint8Array([2])))).toBe(
    TopicValidatorResult.Accept,
  )
})

it('hands the options it would have used to a router of the user', async () => {
  const make = vi.fn<() => TestRouter>(() => new TestRouter())
  await createNode({ gossip: make, gossipFactor: 0.5, gossipsub: { D: 3 }, maxMessageBytes: 1_000 })
  expect(make).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({ gossipFactor: 0.5, D: 3, emitSelf: false, globalSignaturePolicy: 'StrictNoSign' }),
  )
})

it('sizes gossipsub by what is pushed, and lets an announcement take as long as its pull before it counts as late', async () => {
  const make = vi.fn<(...args: unknown[]) => TestRouter>(() => new TestRouter())
  await createNode({ gossip: make, maxMessageBytes: 104_857_600, pullDeadlineMs: 60_000, handlerDeadlineMs: 1_000 })
  const bufferBytes = 8 * (262_144 + 320 + 48)
  expect(make).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({
      maxInboundDataLength: bufferBytes,
      maxOutboundBufferSize: bufferBytes,
      gossipsubIWantFollowupMs: 61_000,
    }),
  )
})

it('leaves no timer behind when it stops while it serves one payload and pulls another', async () => {
  const router = new TestRouter()
  const node = await createNode({ gossip: () => router })
  const [gone] = await peerIds(2)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  node.broadcast.subscribe('orders', () => 'accept')

  await node.broadcast.publish('orders', pattern(300_000), { strategy: 'flood' })
  const verdict = router.validate(gone, TOPIC, announce(TOPIC, pattern(300_000, 2), { topic: '' }).frame)
  // A delivery that learns, a payload that is kept, and a pull with its deadline that waits for a peer to ask.
  expect(vi.getTimerCount()).toBe(4)

  await stop(node.broadcast)

  expect(await verdict).toBe(TopicValidatorResult.Ignore)
  expect(vi.getTimerCount()).toBe(0)
  expect(node.unicast?.handlers.size).toBe(0)
})
