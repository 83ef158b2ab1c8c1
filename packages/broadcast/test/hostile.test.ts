import type { BroadcastHandler, UnicastContext } from '@gridmesh/interfaces'
import { RPC } from '@libp2p/gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { encodeAck } from '../src/ack-codec.ts'
import { encodeFrame, type Frame } from '../src/frame.ts'
import { ACK_HANDLER, BROADCAST_HANDLER } from '../src/index.ts'
import { messageId } from '../src/message-id.ts'
import {
  collect,
  connect,
  createNode,
  createRawPeer,
  eventually,
  meet,
  PATIENCE_MS,
  type RawPeer,
  stopNodes,
  type TestNode,
  type TestNodeInit,
  TestPeerManager,
  wireTopic,
} from './helpers/nodes.ts'

const TOPIC = wireTopic('orders')
const PAYLOAD = new Uint8Array([1, 2, 3])

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** A node, a peer that means no good, and what the node says of it. */
async function meeting(
  init: TestNodeInit = {},
): Promise<{ node: TestNode; attacker: RawPeer; manager: TestPeerManager }> {
  const manager = new TestPeerManager()
  const [node, attacker] = [await createNode({ manager, ...init }), await createRawPeer()]
  return { node, attacker, manager }
}

function frame(parts: Partial<Frame> = {}): Uint8Array {
  return encodeFrame({
    lane: 'normal',
    isDirected: false,
    origin: new Uint8Array(38),
    hops: 0,
    topic: TOPIC,
    payload: PAYLOAD,
    ...parts,
  })
}

function forged(content: number, origin: Uint8Array): Uint8Array {
  return frame({ origin, payload: new Uint8Array([content]) })
}

async function refusal(send: Promise<unknown>): Promise<string> {
  return send.then(
    () => 'taken',
    (err: unknown) => (err instanceof Error && 'code' in err ? String(err.code) : 'failed'),
  )
}

it('refuses garbage, oversize and foreign frames by unicast, and blames the sender', async () => {
  const { node, attacker, manager } = await meeting({ maxMessageBytes: 100 })
  const received = collect([node], 'orders')
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const send = (bytes: Uint8Array): Promise<string> =>
    refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, bytes))

  expect(await send(new Uint8Array())).toBe('malformed')
  expect(await send(new Uint8Array(50).fill(0xff))).toBe('malformed')
  expect(await send(frame({ topic: '' }))).toBe('malformed')
  expect(await send(frame({ payload: new Uint8Array(101) }))).toBe('too-large')
  expect(await send(new Uint8Array(100_000))).toBe('too-large')
  expect(await send(frame({ topic: '/gridmesh/other-chain/orders/1' }))).toBe('wrong-network')
  expect(await send(frame({ topic: wireTopic('unheard-of') }))).toBe('not-subscribed')
  expect(await send(frame({ payload: new Uint8Array(100) }))).toBe('taken')

  expect(manager.classesOf(attacker.peerId)).toEqual([...Array<string>(6).fill('protocol-violation'), 'useful'])
  expect(received.get(node.peerId.toString())).toEqual([new Uint8Array(100)])
})

it('refuses garbage and oversize on a gossip topic, blames the sender and lives on', async () => {
  const { node, attacker, manager } = await meeting({ maxMessageBytes: 100 })
  const received = collect([node], 'orders')
  await meet(attacker, node, 'orders')

  await attacker.pubsub.publish(TOPIC, new Uint8Array(50).fill(0xff))
  await attacker.pubsub.publish(TOPIC, frame({ topic: wireTopic('other') }))
  await attacker.pubsub.publish(TOPIC, frame({ payload: new Uint8Array(101) }))
  await attacker.pubsub.publish(TOPIC, frame())

  await eventually(() => expect(received.get(node.peerId.toString())).toEqual([PAYLOAD]))
  expect(manager.classesOf(attacker.peerId).toSorted()).toEqual([
    ...Array<string>(3).fill('protocol-violation'),
    'useful',
  ])
})

it('never throws anything untyped at random bytes', async () => {
  const { node, attacker } = await meeting()
  collect([node], 'orders')
  const handler = node.unicast?.handlers.get(BROADCAST_HANDLER)
  const ackHandler = node.unicast?.handlers.get(ACK_HANDLER)
  const context: UnicastContext = { peer: attacker.peerId, lane: 'normal', signal: AbortSignal.timeout(PATIENCE_MS) }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
      await expect((async () => handler?.(bytes, context))()).rejects.toMatchObject({ name: 'MessageRefusedError' })
      await expect((async () => ackHandler?.(bytes, context))()).rejects.toMatchObject({ name: 'MessageRefusedError' })
    }),
  )
})

it('hands a message to the handler once, however often and by whatever way it is sent', async () => {
  const { node, attacker, manager } = await meeting()
  const received = collect([node], 'orders')
  await meet(attacker, node, 'orders')
  const context: UnicastContext = { peer: attacker.peerId, lane: 'normal', signal: AbortSignal.timeout(PATIENCE_MS) }
  const flood = node.unicast?.handlers.get(BROADCAST_HANDLER)

  await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => {
      await flood?.(frame({ hops: i, origin: new Uint8Array([i]) }), context)
      if (i % 10 === 0) await attacker.pubsub.publish(TOPIC, frame({ origin: new Uint8Array([i]) }))
    }),
  )
  await attacker.pubsub.publish(TOPIC, frame({ payload: new Uint8Array([9]) }))

  await eventually(() => expect(received.get(node.peerId.toString())).toEqual([PAYLOAD, new Uint8Array([9])]))
  expect(manager.classesOf(attacker.peerId)).toEqual(['useful', 'useful'])
})

it('blames every copy of a rejected message', async () => {
  const { node, attacker, manager } = await meeting()
  const handler = vi.fn<BroadcastHandler>(() => 'reject')
  node.broadcast.subscribe('orders', handler)
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  for (let i = 0; i < 3; i++) {
    expect(await refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame()))).toBe('rejected')
  }
  expect(manager.classesOf(attacker.peerId)).toEqual(Array(3).fill('invalid-message'))
  expect(handler).toHaveBeenCalledTimes(1)
})

it('acknowledges to a claimed author only while that is a ready peer, and at most so often', async () => {
  const { node, attacker } = await meeting({ maxAcksPerSecond: 2 })
  const received = collect([node], 'orders')
  const victim = await createNode({ manager: new TestPeerManager() })
  await meet(attacker, node, 'orders')

  await attacker.pubsub.publish(TOPIC, forged(0, victim.peerId.toMultihash().bytes))
  await attacker.pubsub.publish(TOPIC, forged(1, new Uint8Array([1, 2])))
  await eventually(() => expect(received.get(node.peerId.toString())).toHaveLength(2))
  await connect(node, victim)
  for (let i = 2; i < 10; i++) await attacker.pubsub.publish(TOPIC, forged(i, victim.peerId.toMultihash().bytes))
  await eventually(() => expect(received.get(node.peerId.toString())).toHaveLength(10))

  const acks = (): Uint8Array[] =>
    (node.unicast?.sent ?? []).filter((entry) => entry.name === ACK_HANDLER).map((entry) => entry.bytes)
  await eventually(() => expect(acks()).not.toEqual([]))
  const ids = [2, 3].map((content) => messageId(TOPIC, new Uint8Array([content])))
  expect(acks()).toEqual([encodeAck(ids)])
  // The victim knows none of the ids, and does not blame the messenger.
  expect(victim.manager?.reports).toEqual([])
})

it('ignores acknowledgements of unknown messages and refuses a flood of them', async () => {
  const { node, attacker, manager } = await meeting({ maxAcksPerSecond: 256 })
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const unknown = encodeAck(Array.from({ length: 256 }, (_, i) => messageId(TOPIC, new Uint8Array([i]))))
  const send = (bytes: Uint8Array): Promise<string> => refusal(attacker.unicast.send(node.peerId, ACK_HANDLER, bytes))

  expect(await send(new Uint8Array([0xff]))).toBe('malformed')
  const answers: string[] = []
  for (let i = 0; i < 10; i++) answers.push(await send(unknown))
  expect(answers).toContain('rate-limited')
  expect(manager.classesOf(attacker.peerId)).toEqual(['protocol-violation'])

  const delivery = await node.broadcast.publish('orders', PAYLOAD, { to: [] })
  expect(delivery.peers.size).toBe(0)
})

it('lists no more peers in a delivery than maxPeersPerDelivery, whoever acknowledges', async () => {
  const { node } = await meeting({ maxPeersPerDelivery: 2 })
  const delivery = await node.broadcast.publish('orders', PAYLOAD, { to: [] })
  const strangers = await Promise.all([createRawPeer(), createRawPeer(), createRawPeer()])
  for (const stranger of strangers) {
    await node.libp2p.dial(stranger.libp2p.getMultiaddrs())
    await stranger.unicast.send(node.peerId, ACK_HANDLER, encodeAck([messageId(TOPIC, PAYLOAD)]))
  }
  expect(delivery.peers.size).toBe(2)
  expect(await delivery.confirmed(2)).toBe(2)
})

it('does not let a peer that is not ready have a message ignored by bringing it first', async () => {
  const ready = new Set<string>()
  const asked = new Set<string>()
  const isReady = (peer: PeerId): boolean => {
    asked.add(peer.toString())
    return ready.has(peer.toString())
  }
  const { node, attacker } = await meeting({ handshake: { isReady } })
  const received = collect([node], 'orders')
  const honest = await createRawPeer()
  for (const { peerId } of [attacker, honest]) ready.add(peerId.toString())
  await meet(attacker, node, 'orders')
  await meet(honest, node, 'orders')
  // As one that said goodbye and stays.
  ready.delete(attacker.peerId.toString())
  asked.clear()

  await attacker.pubsub.publish(TOPIC, frame())
  await eventually(() => expect(asked).toContain(attacker.peerId.toString()))
  expect(await refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame()))).toBe('not-ready')
  expect(await refusal(attacker.unicast.send(node.peerId, ACK_HANDLER, encodeAck([new Uint8Array(20)])))).toBe(
    'not-ready',
  )
  expect(received.get(node.peerId.toString())).toEqual([])

  await honest.pubsub.publish(TOPIC, frame())
  await eventually(() => expect(received.get(node.peerId.toString())).toEqual([PAYLOAD]))
})

it('ignores what is over the rate limit, and takes the same message from another peer', async () => {
  const limited = new Set<string>()
  const costs: unknown[] = []
  const { node, attacker, manager } = await meeting({
    rateLimiter: {
      take: (peer, protocol, cost) => {
        costs.push([protocol, cost])
        return limited.has(peer.toString())
          ? { ok: false, limit: 'messagesPerSecond', value: 1, retryAfterMs: 1 }
          : { ok: true }
      },
    },
  })
  const received = collect([node], 'orders')
  limited.add(attacker.peerId.toString())
  const honest = await createRawPeer()
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  await node.libp2p.dial(honest.libp2p.getMultiaddrs())

  expect(await refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame()))).toBe('rate-limited')
  expect(await refusal(honest.unicast.send(node.peerId, BROADCAST_HANDLER, frame()))).toBe('taken')

  expect(manager.reports.map((entry) => entry.report.class)).toEqual(['useful'])
  expect(costs).toEqual(Array.from({ length: 2 }, () => ['broadcast', { messages: 1, bytes: frame().length }]))
  expect(received.get(node.peerId.toString())).toEqual([PAYLOAD])
})

it('charges critical topics apart, so that what else a peer brings costs no emergency, whatever frames claim', async () => {
  const limited = new Set(['broadcast'])
  const lanes = new Set<unknown>()
  const { node, attacker } = await meeting({
    rateLimiter: {
      take(_, protocol, _cost, lane) {
        lanes.add(`${protocol} ${lane}`)
        return limited.has(protocol)
          ? { ok: false, limit: 'messagesPerSecond', value: 1, retryAfterMs: 1 }
          : { ok: true }
      },
    },
  })
  const emergency = wireTopic('emergency')
  const orders = collect([node], 'orders')
  const taken: number[] = []
  const take: BroadcastHandler = ([content = -1]) => {
    taken.push(content)
    return 'accept'
  }
  node.broadcast.subscribe('emergency', take, { lane: 'critical' })
  await meet(attacker, node, 'emergency')
  const flood = (parts: Partial<Frame>): Promise<string> =>
    refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame(parts)))

  expect(await flood({ topic: emergency, payload: new Uint8Array([1]) })).toBe('taken')
  await attacker.pubsub.publish(emergency, frame({ topic: emergency, payload: new Uint8Array([2]) }))
  await eventually(() => expect(taken).toEqual([1, 2]))

  // The lane of a frame is what the sender says: it is no way to a second rate for everything else.
  expect(await flood({ lane: 'critical' })).toBe('rate-limited')
  expect(await flood({ lane: 'critical', topic: wireTopic('unheard-of') })).toBe('rate-limited')
  // And a flood of emergencies is bounded like any other.
  limited.add('broadcast-critical')
  expect(await flood({ topic: emergency, payload: new Uint8Array([3]) })).toBe('rate-limited')
  limited.delete('broadcast')
  expect(await flood({})).toBe('taken')
  expect(taken).toEqual([1, 2])
  expect(lanes).toEqual(new Set(['broadcast-critical critical', 'broadcast normal']))
  expect(orders.get(node.peerId.toString())).toEqual([PAYLOAD])
})

it('keeps nothing of gossip on topics that nobody here wants', async () => {
  const { node, attacker } = await meeting()
  const received = collect([node], 'orders')
  await meet(attacker, node, 'orders')
  const handler = vi.fn<BroadcastHandler>(() => 'accept')
  const unwanted = frame({ topic: '' })

  // A gossipsub would not send what we do not subscribe to, so the bytes are written by hand.
  const [connection] = attacker.libp2p.getConnections(node.peerId)
  const stream = await connection?.newStream('/meshsub/1.2.0')
  const messages = [
    { topic: wireTopic('later'), data: unwanted },
    { topic: TOPIC, data: frame({ topic: '', payload: new Uint8Array([7]) }) },
  ]
  for (const message of messages) {
    const rpc = RPC.encode({ subscriptions: [], messages: [message] })
    expect(rpc.length).toBeLessThan(0x80)
    stream?.send(Uint8Array.from([rpc.length, ...rpc]))
  }
  await eventually(() => expect(received.get(node.peerId.toString())).toHaveLength(1))

  // Had gossipsub kept it, this would be a duplicate.
  node.broadcast.subscribe('later', handler)
  await meet(attacker, node, 'later')
  await attacker.pubsub.publish(wireTopic('later'), unwanted)
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1))
})

it('takes a handler that throws, hangs or gives no verdict for one that ignores', async () => {
  const { node, attacker, manager } = await meeting({ handlerDeadlineMs: 20, maxPendingVerdicts: 1 })
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const answers = [
    () => {
      throw new TypeError('broken')
    },
    () => Promise.reject(new TypeError('broken later')),
    () => new Promise<never>(() => undefined),
    vi.fn<() => never>().mockReturnValue(undefined as never),
  ]
  for (const [i, handler] of answers.entries()) {
    const unsubscribe = node.broadcast.subscribe('orders', handler)
    const bytes = frame({ payload: new Uint8Array([i]) })
    expect(await refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, bytes))).toBe('ignored')
    unsubscribe()
  }
  expect(manager.reports).toEqual([])
})

it('ignores messages as busy while handlers owe maxPendingVerdicts verdicts, and takes them again later', async () => {
  const { node, attacker } = await meeting({ maxPendingVerdicts: 1 })
  const { promise, resolve } = Promise.withResolvers<'accept'>()
  const handler = vi.fn<BroadcastHandler>(() => promise)
  node.broadcast.subscribe('orders', handler)
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const send = (content: number): Promise<string> =>
    refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame({ payload: new Uint8Array([content]) })))

  const first = send(1)
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1))
  expect(await send(2)).toBe('busy')
  resolve('accept')
  expect(await first).toBe('taken')
  expect(await send(2)).toBe('taken')
})

it('judges a message anew that a handler had no room for, and lets its copies share the answer until then', async () => {
  const { node, attacker, manager } = await meeting()
  const { promise, resolve } = Promise.withResolvers<'busy'>()
  const handler = vi.fn<BroadcastHandler>().mockReturnValueOnce(promise).mockReturnValueOnce('busy')
  node.broadcast.subscribe('orders', handler.mockReturnValue('accept'))
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const send = (): Promise<string> => refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, frame()))

  const copies = [send(), send()]
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1))
  resolve('busy')
  expect(await Promise.all(copies)).toEqual(['busy', 'busy'])
  expect([await send(), await send(), await send()]).toEqual(['busy', 'taken', 'taken'])
  expect(handler).toHaveBeenCalledTimes(3)
  expect(manager.classesOf(attacker.peerId)).toEqual(['useful'])
})

it('keeps the last eighth of maxPendingVerdicts for critical topics', async () => {
  const { node, attacker } = await meeting({ maxPendingVerdicts: 8 })
  const { promise, resolve } = Promise.withResolvers<'accept'>()
  const handler = vi.fn<BroadcastHandler>(() => promise)
  node.broadcast.subscribe('orders', handler)
  node.broadcast.subscribe('emergency', () => 'accept', { lane: 'critical' })
  await node.libp2p.dial(attacker.libp2p.getMultiaddrs())
  const send = (content: number, topic: string): Promise<string> => {
    const bytes = frame({ topic: wireTopic(topic), payload: new Uint8Array([content]) })
    return refusal(attacker.unicast.send(node.peerId, BROADCAST_HANDLER, bytes))
  }

  const owed = [1, 2, 3, 4, 5, 6, 7].map((content) => send(content, 'orders'))
  await eventually(() => expect(handler).toHaveBeenCalledTimes(7))
  expect(await send(8, 'orders')).toBe('busy')
  expect(await send(9, 'emergency')).toBe('taken')
  resolve('accept')
  expect(await Promise.all(owed)).toEqual(Array.from({ length: 7 }, () => 'taken'))
})
