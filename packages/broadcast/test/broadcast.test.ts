import type { BroadcastContext, BroadcastHandler } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { decodeFrame, encodeFrame, type Frame } from '../src/frame.ts'
import { ACK_HANDLER, BROADCAST_HANDLER, CHUNK_HANDLER, TREE_CONTROL_HANDLER, TREE_HANDLER } from '../src/index.ts'
import {
  collect,
  connect,
  connectAll,
  connectLine,
  createNode,
  createNodes,
  createRawPeer,
  eventually,
  meet,
  meshOf,
  nodeAt,
  PATIENCE_MS,
  stopNodes,
  type TestNode,
  TestPeerManager,
  wireTopic,
} from './helpers/nodes.ts'

const MESSAGE = new Uint8Array([1, 2, 3])

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

function statuses(delivery: { peers: ReadonlyMap<string, { status: string }> }): string[] {
  return [...delivery.peers.values()].map((outcome) => outcome.status)
}

function framesSentBy(node: TestNode): Uint8Array[] {
  return (node.unicast?.sent ?? []).filter((entry) => entry.name === BROADCAST_HANDLER).map((entry) => entry.bytes)
}

it('gossips to every subscriber of the mesh and hears who has the message', async () => {
  const nodes = await createNodes(5)
  const received = collect(nodes, 'orders')
  await connectAll(nodes)
  const author = nodeAt(nodes, 0)
  await meshOf(author, 'orders', 4)

  const delivery = await author.broadcast.publish('orders', MESSAGE)

  expect(await delivery.confirmed(4, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(4)
  expect(statuses(delivery)).toEqual(['acknowledged', 'acknowledged', 'acknowledged', 'acknowledged'])
  expect(delivery.successRate).toBe(1)
  for (const node of nodes.slice(1)) expect(received.get(node.peerId.toString())).toEqual([MESSAGE])
  expect(received.get(author.peerId.toString())).toEqual([])
})

it('gossips without acknowledgements where acks is off', async () => {
  const nodes = await createNodes(2, { acks: false })
  const received = collect(nodes, 'orders')
  await connectAll(nodes)
  const [author, receiver] = [nodeAt(nodes, 0), nodeAt(nodes, 1)]
  await meshOf(author, 'orders', 1)

  const delivery = await author.broadcast.publish('orders', MESSAGE)

  await eventually(() => expect(received.get(receiver.peerId.toString())).toHaveLength(1))
  expect(statuses(delivery)).toEqual(['sent'])
  expect(receiver.unicast?.sent).toEqual([])
})

it('waits for a first peer of the topic rather than publish to nobody', async () => {
  const nodes = await createNodes(2)
  const received = collect(nodes, 'orders')
  const [author, receiver] = [nodeAt(nodes, 0), nodeAt(nodes, 1)]

  const published = author.broadcast.publish('orders', MESSAGE)
  await connect(author, receiver)

  expect(await (await published).confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
  expect(received.get(receiver.peerId.toString())).toEqual([MESSAGE])
})

it('publishes to a topic it does not subscribe to', async () => {
  const [author, receiver] = [await createNode(), await createNode()]
  const received = collect([receiver], 'orders')
  await connect(author, receiver)

  const delivery = await author.broadcast.publish('orders', MESSAGE)

  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
  expect(received.get(receiver.peerId.toString())).toEqual([MESSAGE])
})

it('reports zero peers as a result, whatever the strategy', async () => {
  const node = await createNode({ meshWaitMs: 20 })
  for (const strategy of ['gossip', 'flood'] as const) {
    const delivery = await node.broadcast.publish('orders', new Uint8Array([strategy.length]), { strategy })
    expect(delivery.peers.size).toBe(0)
    expect(delivery.successRate).toBe(1)
  }
  const nobody = await node.broadcast.publish('orders', MESSAGE, { to: [] })
  expect(nobody.peers.size).toBe(0)
})

it('floods along a line, each node passing on to the next', async () => {
  const nodes = await createNodes(5)
  const received = collect(nodes, 'alarm')
  await connectLine(nodes)

  const delivery = await nodeAt(nodes, 0).broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })
  await delivery.settled()

  expect([...delivery.peers]).toEqual([[nodeAt(nodes, 1).peerId.toString(), { status: 'acknowledged' }]])
  await eventually(() => expect(received.get(nodeAt(nodes, 4).peerId.toString())).toEqual([MESSAGE]))
})

it('floods no further than hopLimit links', async () => {
  const nodes = await createNodes(4, { hopLimit: 2 })
  const received = collect(nodes, 'alarm')
  await connectLine(nodes)

  await nodeAt(nodes, 0).broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })

  const last = nodeAt(nodes, 2)
  await eventually(() => expect(received.get(last.peerId.toString())).toEqual([MESSAGE]))
  expect(framesSentBy(last)).toEqual([])
  expect(received.get(nodeAt(nodes, 3).peerId.toString())).toEqual([])
})

it('holds a frame that promises more hops than hopLimit to the limit', async () => {
  const [far, ...near] = [await createNode({ hopLimit: 200 }), ...(await createNodes(3, { hopLimit: 2 }))]
  const nodes = [far, ...near]
  const received = collect(nodes, 'alarm')
  await connectLine(nodes)

  await far.broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })

  await eventually(() => expect(received.get(nodeAt(nodes, 2).peerId.toString())).toEqual([MESSAGE]))
  expect(framesSentBy(nodeAt(nodes, 2))).toEqual([])
})

it('passes a later copy on that has more hops left than what it passed on, and no other', async () => {
  const [sender, node, next] = [await createRawPeer(), await createNode(), await createRawPeer()]
  collect([node], 'alarm')
  const passedOn: number[] = []
  next.unicast.handle(BROADCAST_HANDLER, (bytes) => {
    const frame = decodeFrame(bytes, { maxMessageBytes: 100, maxPushedBytes: 100 })
    if (typeof frame !== 'string') passedOn.push(frame.hops)
  })
  await node.libp2p.dial(next.libp2p.getMultiaddrs())
  await node.libp2p.dial(sender.libp2p.getMultiaddrs())
  const frame: Frame = {
    lane: 'critical',
    isDirected: false,
    origin: sender.peerId.toMultihash().bytes,
    hops: 0,
    topic: wireTopic('alarm'),
    payload: MESSAGE,
  }
  for (const hops of [0, 2, 2, 1, 3, 200, 6]) {
    await sender.unicast.send(node.peerId, BROADCAST_HANDLER, encodeFrame({ ...frame, hops }))
  }
  await eventually(() => expect(passedOn).toHaveLength(3))
  expect(node.unicast?.sent.map((entry) => entry.peer)).toEqual(Array(3).fill(next.peerId.toString()))
  expect(passedOn.toSorted((a, b) => a - b)).toEqual([1, 2, 5])
})

it('has no more than maxConcurrentSends sends under way', async () => {
  const nodes = await createNodes(6, { maxConcurrentSends: 2 })
  collect(nodes, 'alarm')
  const author = nodeAt(nodes, 0)
  for (const node of nodes.slice(1)) await connect(author, node)

  const first = author.broadcast.publish('alarm', new Uint8Array([1]), { strategy: 'flood', lane: 'bulk' })
  const second = author.broadcast.publish('alarm', new Uint8Array([2]), { lane: 'critical' })
  await Promise.all([(await first).settled(), (await second).settled()])

  expect(new Set([...statuses(await first), ...statuses(await second)])).toEqual(new Set(['acknowledged']))
  expect(author.unicast?.maxInFlight).toBe(2)
})

it('sends a directed message to the peers it names and nobody else', async () => {
  const nodes = await createNodes(4)
  const contexts: BroadcastContext[] = []
  for (const node of nodes) {
    node.broadcast.subscribe('offer', (_bytes, context) => {
      contexts.push(context)
      return 'accept'
    })
  }
  await connectAll(nodes)
  const [author, first, second] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]

  const to = [first.peerId, second.peerId, first.peerId, author.peerId]
  const delivery = await author.broadcast.publish('offer', MESSAGE, { to })
  await delivery.settled()

  expect(new Map(delivery.peers)).toEqual(
    new Map([
      [first.peerId.toString(), { status: 'acknowledged' }],
      [second.peerId.toString(), { status: 'acknowledged' }],
      [author.peerId.toString(), { status: 'dropped', reason: 'self' }],
    ]),
  )
  expect(delivery.successRate).toBeCloseTo(2 / 3)
  const { id } = delivery
  const expected = { from: author.peerId, topic: 'offer', id, via: 'directed' }
  expect(contexts).toEqual([expected, expected])
  expect([first, second].flatMap(framesSentBy)).toEqual([])
})

it('resolves a query through the peer manager, and names the error where there is none', async () => {
  const manager = new TestPeerManager()
  const [author, authority, consumer] = [await createNode({ manager }), await createNode(), await createNode()]
  const received = collect([authority, consumer], 'vote')
  await connectAll([author, authority, consumer])
  manager.hold(authority.peerId, 'ready', 'authority')
  manager.hold(consumer.peerId)

  const delivery = await author.broadcast.publish('vote', MESSAGE, { to: { role: 'authority' } })
  await delivery.settled()

  expect([...delivery.peers.keys()]).toEqual([authority.peerId.toString()])
  expect(received.get(consumer.peerId.toString())).toEqual([])
  await expect(consumer.broadcast.publish('vote', MESSAGE, { to: { role: 'authority' } })).rejects.toMatchObject({
    name: 'PeerQueryUnavailableError',
    code: 'no-peer-manager',
  })
})

it('floods and gossips a critical message at once, serialised once, and delivers it once', async () => {
  const nodes = await createNodes(5)
  const received = collect(nodes, 'alarm')
  await connectAll(nodes)
  const author = nodeAt(nodes, 0)
  await meshOf(author, 'alarm', 4)

  const delivery = await author.broadcast.publish('alarm', MESSAGE, { lane: 'critical' })
  await delivery.settled()

  expect(delivery.peers.size).toBe(4)
  expect(new Set(framesSentBy(author)).size).toBe(1)
  expect(author.unicast?.sent.map((entry) => entry.lane)).toEqual(Array(4).fill('critical'))
  for (const node of nodes.slice(1)) expect(received.get(node.peerId.toString())).toEqual([MESSAGE])
})

it('spreads a lane the way strategies says', async () => {
  const [author, receiver] = [
    await createNode({ strategies: { critical: 'gossip', high: 'flood' } }),
    await createNode(),
  ]
  const vias: string[] = []
  receiver.broadcast.subscribe('orders', (_bytes, { via }) => {
    vias.push(via)
    return 'accept'
  })
  await connect(author, receiver)

  await (await author.broadcast.publish('orders', new Uint8Array([1]), { lane: 'high' })).confirmed(1)
  await (await author.broadcast.publish('orders', new Uint8Array([2]), { lane: 'critical' })).confirmed(1)

  expect(vias).toEqual(['flood', 'gossip'])
  expect(framesSentBy(author)).toHaveLength(1)
})

it('names each peer that did not get a flood, with the reason', async () => {
  const nodes = await createNodes(3)
  const [author, subscriber, stranger] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]
  collect([subscriber], 'alarm')
  await connectAll(nodes)

  const delivery = await author.broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })
  await delivery.settled()

  expect(delivery.peers.get(subscriber.peerId.toString())).toEqual({ status: 'acknowledged' })
  expect(delivery.peers.get(stranger.peerId.toString())).toEqual({ status: 'dropped', reason: 'not-subscribed' })
  expect(delivery.successRate).toBe(0.5)
})

it('drops flooded sends as no-unicast where there is no unicast, and still gossips', async () => {
  const nodes = await createNodes(2, { hasUnicast: false })
  const received = collect(nodes, 'alarm')
  await connectAll(nodes)
  const [author, receiver] = [nodeAt(nodes, 0), nodeAt(nodes, 1)]
  await meshOf(author, 'alarm', 1)

  const flood = await author.broadcast.publish('alarm', new Uint8Array([1]), { strategy: 'flood' })
  const critical = await author.broadcast.publish('alarm', new Uint8Array([2]), { lane: 'critical' })

  const key = receiver.peerId.toString()
  expect(flood.peers.get(key)).toEqual({ status: 'dropped', reason: 'no-unicast' })
  expect(critical.peers.get(key)).toEqual({ status: 'sent' })
  await eventually(() => expect(received.get(key)).toEqual([new Uint8Array([2])]))
})

it('marks a peer that floods our message back as seen, and floods it no second time', async () => {
  const [author, echo, other] = [await createNode(), await createRawPeer(), await createRawPeer()]
  collect([author], 'alarm')
  echo.unicast.handle(BROADCAST_HANDLER, async (bytes, { peer }) => {
    await echo.unicast.send(peer, BROADCAST_HANDLER, bytes)
    throw new TypeError('no receipt')
  })
  other.unicast.handle(BROADCAST_HANDLER, () => undefined)
  for (const peer of [echo, other]) await author.libp2p.dial(peer.libp2p.getMultiaddrs())

  const delivery = await author.broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })
  await delivery.settled()

  expect(delivery.peers.get(echo.peerId.toString())).toEqual({ status: 'seen' })
  expect(framesSentBy(author)).toHaveLength(2)
})

it('marks a peer that gossips our message back as seen, though gossipsub drops copies', async () => {
  const [author, echo] = [await createNode(), await createRawPeer()]
  const received = collect([author], 'orders')
  await meet(echo, author, 'orders')
  echo.pubsub.addEventListener('message', (evt) => {
    void echo.pubsub.publish(evt.detail.topic, evt.detail.data)
  })

  const delivery = await author.broadcast.publish('orders', MESSAGE)

  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
  expect([...delivery.peers]).toEqual([[echo.peerId.toString(), { status: 'seen' }]])
  expect(received.get(author.peerId.toString())).toEqual([])
})

it('drops what has not been sent as aborted when the caller gives up', async () => {
  const [author, receiver] = [await createNode(), await createNode()]
  const { promise: held, resolve: release } = Promise.withResolvers<'accept'>()
  receiver.broadcast.subscribe('alarm', () => held)
  await connect(author, receiver)
  const controller = new AbortController()

  const early = await author.broadcast.publish('alarm', MESSAGE, { lane: 'critical', signal: AbortSignal.abort() })
  const late = await author.broadcast.publish('alarm', MESSAGE, { strategy: 'flood', signal: controller.signal })
  expect(statuses(late)).toEqual(['sent'])
  controller.abort()
  await late.settled()
  release('accept')

  const aborted = [[receiver.peerId.toString(), { status: 'dropped', reason: 'aborted' }]]
  expect([...early.peers]).toEqual(aborted)
  expect([...late.peers]).toEqual(aborted)
})

it('reports what peers bring and counts gossip traffic both ways', async () => {
  const manager = new TestPeerManager()
  const [author, judge] = [await createNode({ manager: new TestPeerManager() }), await createNode({ manager })]
  judge.broadcast.subscribe('orders', ([first]) => (first === 1 ? 'accept' : 'reject'))
  await connect(author, judge)

  await author.broadcast.publish('orders', new Uint8Array([1]), { lane: 'high' })
  await author.broadcast.publish('orders', new Uint8Array([2]), { lane: 'bulk' })

  await eventually(() => expect(manager.classesOf(author.peerId)).toEqual(['useful', 'invalid-message']))
  expect(manager.reports[0]?.report.weight).toBe(0.1)
  expect(manager.traffic.map(({ lane, direction }) => [lane, direction])).toEqual([
    ['high', 'in'],
    ['bulk', 'in'],
  ])
  expect(author.manager?.traffic).toEqual(
    manager.traffic.map(({ lane, bytes }) => ({ peer: judge.peerId.toString(), lane, direction: 'out', bytes })),
  )
})

function bytesBetween(node: TestNode, peer: TestNode, direction: 'in' | 'out'): number {
  const traffic = node.manager?.traffic ?? []
  const own = traffic.filter((entry) => entry.peer === peer.peerId.toString() && entry.direction === direction)
  return own.reduce((sum, { bytes }) => sum + bytes, 0)
}

it('counts what it passes on and what it had before, so that both ends of every link agree', async () => {
  const nodes = await Promise.all([0, 1, 2, 3].map(() => createNode({ manager: new TestPeerManager() })))
  for (const node of nodes) node.broadcast.subscribe('orders', () => 'accept')
  await connectAll(nodes)
  await Promise.all(nodes.map((node) => meshOf(node, 'orders', nodes.length - 1)))

  const author = nodeAt(nodes, 0)
  for (let i = 0; i < 20; i++) await author.broadcast.publish('orders', new Uint8Array(i + 1), { strategy: 'gossip' })

  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to] as const))
  await eventually(() => {
    for (const [from, to] of pairs) expect(bytesBetween(to, from, 'in')).toBe(bytesBetween(from, to, 'out'))
    expect(bytesBetween(author, nodeAt(nodes, 1), 'out')).toBeGreaterThan(0)
    const passedOn = pairs.filter(([from]) => from !== author).map(([from, to]) => bytesBetween(from, to, 'out'))
    expect(Math.max(...passedOn)).toBeGreaterThan(0)
  })
})

it('refuses a peer of bad reputation in the mesh', async () => {
  const manager = new TestPeerManager()
  const [node, good, bad] = [await createNode({ manager }), await createNode(), await createRawPeer()]
  collect([node, good], 'orders')
  for (const peer of [good, bad]) manager.hold(peer.peerId)
  manager.scores.set(bad.peerId.toString(), -5)
  const pruned = new Promise((resolve) => {
    bad.pubsub.addEventListener('gossipsub:prune', resolve, { once: true })
  })
  bad.pubsub.subscribe(wireTopic('orders'))
  await connect(node, good)
  await node.libp2p.dial(bad.libp2p.getMultiaddrs())

  await pruned
  await meshOf(node, 'orders', 1)
  expect(node.broadcast.mesh('orders').map(String)).toEqual([good.peerId.toString()])
})

it('hands a message to nobody after the subscription ended', async () => {
  const [author, receiver] = [await createNode({ meshWaitMs: 20 }), await createNode()]
  const handler = vi.fn<BroadcastHandler>(() => 'accept')
  const unsubscribe = receiver.broadcast.subscribe('orders', handler)
  await connect(author, receiver)
  await (await author.broadcast.publish('orders', MESSAGE, { strategy: 'flood' })).settled()
  expect(() => receiver.broadcast.subscribe('orders', handler)).toThrow(RangeError)

  unsubscribe()
  unsubscribe()
  const delivery = await author.broadcast.publish('orders', new Uint8Array([4]), { strategy: 'flood' })
  await delivery.settled()

  expect([...delivery.peers.values()]).toEqual([{ status: 'dropped', reason: 'not-subscribed' }])
  expect(handler).toHaveBeenCalledTimes(1)
})

it('leaves nothing behind when it stops, and works again after a restart', async () => {
  const [node, other] = [await createNode(), await createNode()]
  const received = collect([node, other], 'orders')
  await connect(node, other)
  await meshOf(node, 'orders', 1)
  const delivery = await node.broadcast.publish('orders', MESSAGE)
  const waiting = delivery.confirmed(100)
  const failure = waiting.catch((err: unknown) => err)

  await node.libp2p.stop()

  expect(await failure).toMatchObject({ name: 'TimeoutError' })
  expect(node.unicast?.handlers.size).toBe(0)
  expect(node.libp2p.getProtocols().filter((protocol) => protocol.includes('meshsub'))).toEqual([])
  await expect(node.broadcast.publish('orders', MESSAGE)).rejects.toMatchObject({ name: 'NotStartedError' })

  await node.libp2p.start()
  const handlers = [BROADCAST_HANDLER, ACK_HANDLER, CHUNK_HANDLER, TREE_HANDLER, TREE_CONTROL_HANDLER]
  expect([...(node.unicast?.handlers.keys() ?? [])].toSorted()).toEqual(handlers)
  await connect(node, other)
  const again = await node.broadcast.publish('orders', new Uint8Array([9]))
  expect(await again.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
  expect(received.get(other.peerId.toString())).toEqual([MESSAGE, new Uint8Array([9])])
})

it('ends publishes that are under way when it stops', async () => {
  const [author, receiver] = [await createNode(), await createNode()]
  receiver.broadcast.subscribe('alarm', () => new Promise(() => undefined))
  await connect(author, receiver)
  const flood = await author.broadcast.publish('alarm', MESSAGE, { strategy: 'flood' })
  const gossip = author.broadcast.publish('nobody-here', MESSAGE)

  await author.libp2p.stop()

  await flood.settled()
  expect([...flood.peers.values()]).toEqual([{ status: 'dropped', reason: 'stopped' }])
  expect((await gossip).peers.size).toBe(0)
})

it('shares no topic with another network', async () => {
  const [ours, theirs] = [await createNode({ meshWaitMs: 50 }), await createNode({ chainId: 'other-chain' })]
  const received = collect([ours, theirs], 'orders')
  await connect(ours, theirs)

  const gossip = await ours.broadcast.publish('orders', MESSAGE)
  const flood = await ours.broadcast.publish('orders', MESSAGE, { strategy: 'flood' })
  await flood.settled()

  expect(gossip.peers.size).toBe(0)
  expect([...flood.peers.values()]).toEqual([{ status: 'dropped', reason: 'wrong-network' }])
  expect([...received.values()]).toEqual([[], []])
})

it('refuses calls that make no sense', async () => {
  const node = await createNode({ maxMessageBytes: 4 })
  const to = [node.peerId]
  await expect(node.broadcast.publish('', MESSAGE)).rejects.toThrow(RangeError)
  await expect(node.broadcast.publish('orders', new Uint8Array(5))).rejects.toMatchObject({
    name: 'MessageTooLargeError',
    code: 'message-too-large',
    value: 4,
    byteLength: 5,
  })
  await expect(node.broadcast.publish('orders', MESSAGE, { strategy: 'directed' })).rejects.toThrow(TypeError)
  await expect(node.broadcast.publish('orders', MESSAGE, { strategy: 'flood', to })).rejects.toThrow(TypeError)
  expect(() => node.broadcast.subscribe('with space', () => 'accept')).toThrow(RangeError)
  expect(() => node.broadcast.mesh('')).toThrow(RangeError)
})

it('names its topics with network and major version', async () => {
  const [node, peer] = [await createNode(), await createRawPeer()]
  collect([node], 'orders')
  await meet(peer, node, 'orders')
  expect(peer.pubsub.getSubscribers(wireTopic('orders')).map(String)).toEqual([node.peerId.toString()])
  expect(wireTopic('orders')).toBe('/gridmesh/test-chain/orders/1')
})
