import type { BroadcastContext, BroadcastHandler, SubscribeOptions } from '@gridmesh/interfaces'
import { afterEach, expect, it, vi } from 'vitest'
import { BROADCAST_HANDLER, CHUNK_HANDLER } from '../src/index.ts'
import { toHex } from '../src/message-id.ts'
import { MIB, pattern } from './helpers/payloads.ts'
import {
  collect,
  connect,
  connectLine,
  createNode,
  createNodes,
  eventually,
  meshOf,
  nodeAt,
  PATIENCE_MS,
  stopNodes,
  type TestNode,
  TestPeerManager,
} from './helpers/nodes.ts'

const LARGE = { maxMessageBytes: 100 * MIB }
/** One byte more than what is pushed. */
const SMALLEST_PULLED = 262_145

vi.setConfig({ testTimeout: 4 * PATIENCE_MS })
afterEach(stopNodes)

function requestsBy({ unicast }: TestNode): { peer: string; bytes: Uint8Array }[] {
  return (unicast?.requested ?? []).filter((request) => request.name === CHUNK_HANDLER)
}

/** Bytes are compared by the native way: a deep comparison of megabytes takes seconds. */
function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}

/** A ring in which each node gossips with both of its neighbours. */
async function ring(
  count: number,
  topic: string,
  options: SubscribeOptions = {},
): Promise<{ nodes: TestNode[]; received: Map<string, Uint8Array[]> }> {
  const nodes = await createNodes(count, LARGE)
  const received = collect(nodes, topic, options)
  await connectLine([...nodes, nodeAt(nodes, 0)])
  await Promise.all(nodes.map((node) => meshOf(node, topic, 2)))
  return { nodes, received }
}

it('pushes a payload of pullAboveBytes and announces one byte more, and both arrive', async () => {
  const [author, receiver] = [await createNode(), await createNode()]
  const received = collect([author, receiver], 'blocks').get(receiver.peerId.toString())
  await connect(author, receiver)
  await meshOf(author, 'blocks', 1)

  for (const length of [SMALLEST_PULLED - 1, SMALLEST_PULLED]) {
    const delivery = await author.broadcast.publish('blocks', pattern(length))
    expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
    expect(requestsBy(receiver).length > 0).toBe(length === SMALLEST_PULLED)
  }

  expect(received?.map((bytes) => bytes.length)).toEqual([SMALLEST_PULLED - 1, SMALLEST_PULLED])
})

it('gossips 1 MiB along a line, each node pulling it from the one before', async () => {
  const nodes = await createNodes(3, LARGE)
  const [a, b, c] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]
  const received = collect(nodes, 'blocks')
  await connectLine(nodes)
  await Promise.all([meshOf(a, 'blocks', 1), meshOf(b, 'blocks', 2), meshOf(c, 'blocks', 1)])
  const payload = pattern(MIB)

  const delivery = await a.broadcast.publish('blocks', payload)
  expect([...delivery.peers]).toEqual([[b.peerId.toString(), { status: 'sent' }]])
  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)

  await eventually(() => expect(received.get(c.peerId.toString())).toHaveLength(1))
  expect([...delivery.peers]).toEqual([[b.peerId.toString(), { status: 'acknowledged' }]])
  for (const node of [b, c]) expect(isSame(received.get(node.peerId.toString())?.[0], payload)).toBe(true)
  expect(received.get(a.peerId.toString())).toEqual([])
  expect(new Set(requestsBy(c).map(({ peer }) => peer))).toEqual(new Set([b.peerId.toString()]))
})

it('gossips 20 MiB round a ring, to each node once', async () => {
  const { nodes, received } = await ring(4, 'blocks')
  const author = nodeAt(nodes, 0)
  const payload = pattern(20 * MIB)

  const delivery = await author.broadcast.publish('blocks', payload)
  expect(await delivery.confirmed(2, { signal: AbortSignal.timeout(2 * PATIENCE_MS) })).toBe(2)

  await eventually(() =>
    expect(nodes.map((node) => received.get(node.peerId.toString())?.length)).toEqual([0, 1, 1, 1]),
  )
  for (const node of nodes.slice(1)) expect(isSame(received.get(node.peerId.toString())?.[0], payload)).toBe(true)
  const last = nodeAt(nodes, 2)
  expect(requestsBy(last).length).toBeGreaterThan(0)
  expect(requestsBy(last).map(({ peer }) => peer)).not.toContain(author.peerId.toString())
})

it('floods a large payload along a line, and each node passes it on once it is whole', async () => {
  const nodes = await createNodes(4, LARGE)
  const received = collect(nodes, 'alarm')
  await connectLine(nodes)
  const author = nodeAt(nodes, 0)

  const delivery = await author.broadcast.publish('alarm', pattern(MIB), { strategy: 'flood' })
  await delivery.settled()
  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)

  const last = nodeAt(nodes, 3)
  await eventually(() => expect(received.get(last.peerId.toString())).toHaveLength(1))
  expect(isSame(received.get(last.peerId.toString())?.[0], pattern(MIB))).toBe(true)
  for (const frame of nodes.flatMap((node) => node.unicast?.sent ?? [])) {
    expect(frame.bytes.length).toBeLessThan(400)
  }
})

it('passes a payload that the handler does not accept on to nobody', async () => {
  const nodes = await createNodes(3, LARGE)
  const [author, judge, next] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]
  const handler = vi.fn<BroadcastHandler>(() => 'reject')
  judge.broadcast.subscribe('alarm', handler)
  const received = collect([next], 'alarm')
  await connectLine(nodes)
  await meshOf(judge, 'alarm', 1)

  for (const strategy of ['flood', 'gossip'] as const) {
    const payload = pattern(MIB, strategy.length)
    const delivery = await author.broadcast.publish('alarm', payload, { strategy })
    await eventually(() => expect(handler.mock.lastCall?.[1].id).toBe(delivery.id))
  }

  expect(judge.unicast?.sent).toEqual([])
  expect(received.get(next.peerId.toString())).toEqual([])
})

it('floods and gossips a large critical message at once, pulled once in the critical lane', async () => {
  const { nodes, received } = await ring(3, 'alarm', { lane: 'critical' })
  const author = nodeAt(nodes, 0)

  const delivery = await author.broadcast.publish('alarm', pattern(MIB), { lane: 'critical' })
  expect(await delivery.confirmed(2, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(2)

  for (const node of nodes.slice(1)) {
    expect(received.get(node.peerId.toString())).toHaveLength(1)
    expect(new Set(node.unicast?.requested.map(({ lane }) => lane))).toEqual(new Set(['critical']))
  }
  expect([...delivery.peers.values()].map(({ status }) => status)).toEqual(['acknowledged', 'acknowledged'])
})

it('sends a large directed payload to those it names, and lets nobody else pull it', async () => {
  const nodes = await createNodes(3, LARGE)
  const [author, named, other] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)]
  const contexts: BroadcastContext[] = []
  named.broadcast.subscribe('offer', (_bytes, context) => {
    contexts.push(context)
    return 'accept'
  })
  for (const peer of [named, other]) await connect(author, peer)

  const delivery = await author.broadcast.publish('offer', pattern(MIB), { to: [named.peerId] })
  await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })

  expect(contexts).toEqual([{ from: author.peerId, topic: 'offer', id: delivery.id, via: 'directed' }])
  const [request] = requestsBy(named)
  const asked = other.unicast?.request(author.peerId, CHUNK_HANDLER, request?.bytes ?? new Uint8Array())
  await expect(asked).rejects.toMatchObject({ code: 'absent' })
  const reply = await named.unicast?.request(author.peerId, CHUNK_HANDLER, request?.bytes ?? new Uint8Array())
  expect(reply?.length).toBeGreaterThan(65_536)
})

it('acknowledges a flooded payload though acks are off, as it does for one that is pushed', async () => {
  const nodes = await createNodes(2, { ...LARGE, acks: false })
  const [author, receiver] = [nodeAt(nodes, 0), nodeAt(nodes, 1)]
  collect([receiver], 'alarm')
  await connect(author, receiver)
  const delivery = await author.broadcast.publish('alarm', pattern(MIB), { strategy: 'flood' })
  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
})

it('names at once why a peer will not pull', async () => {
  const nodes = await createNodes(2, LARGE)
  const [author, small] = [nodeAt(nodes, 0), await createNode({ maxMessageBytes: MIB })]
  collect([small], 'alarm')
  for (const peer of [nodeAt(nodes, 1), small]) await connect(author, peer)

  const delivery = await author.broadcast.publish('alarm', pattern(MIB + 1), { strategy: 'flood' })
  await delivery.settled()

  expect(delivery.peers.get(nodeAt(nodes, 1).peerId.toString())).toEqual({
    status: 'dropped',
    reason: 'not-subscribed',
  })
  expect(delivery.peers.get(small.peerId.toString())).toEqual({ status: 'dropped', reason: 'too-large' })
  expect(delivery.successRate).toBe(0)
})

it('refuses to publish what must be pulled where there is no unicast, and takes no announcement', async () => {
  const [mute, author] = [await createNode({ ...LARGE, hasUnicast: false }), await createNode(LARGE)]
  const handler = vi.fn<BroadcastHandler>(() => 'accept')
  mute.broadcast.subscribe('blocks', handler)
  await connect(author, mute)

  await expect(mute.broadcast.publish('blocks', pattern(SMALLEST_PULLED))).rejects.toMatchObject({
    name: 'PullUnavailableError',
    code: 'no-unicast',
    limit: 'pullAboveBytes',
    value: 262_144,
    byteLength: SMALLEST_PULLED,
  })
  const large = await author.broadcast.publish('blocks', pattern(MIB))
  expect([...large.peers]).toEqual([[mute.peerId.toString(), { status: 'sent' }]])
  await author.broadcast.publish('blocks', pattern(10))
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1))
  expect(handler.mock.lastCall?.[0]).toHaveLength(10)
})

it('delivers the same content once, whether it was pushed or announced', async () => {
  const [pusher, announcer] = [await createNode({ pullAboveBytes: MIB }), await createNode()]
  const manager = new TestPeerManager()
  const receiver = await createNode({ pullAboveBytes: MIB, manager })
  const received = collect([receiver], 'blocks').get(receiver.peerId.toString())
  for (const peer of [pusher, announcer]) await connect(receiver, peer)
  const payload = pattern(300_000)

  const pushed = await pusher.broadcast.publish('blocks', payload, { strategy: 'flood' })
  await pushed.settled()
  const announced = await announcer.broadcast.publish('blocks', payload, { strategy: 'flood' })
  await announced.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })

  expect(announced.id).toBe(pushed.id)
  expect(received).toHaveLength(1)
  expect(requestsBy(receiver)).toEqual([])
})

it('refuses a publish that would take the place of one that is owed, and takes it once all have that', async () => {
  const author = await createNode({ maxMessageBytes: MIB, maxRetainedBytes: MIB })
  const receiver = await createNode({ maxMessageBytes: MIB })
  const { promise: judged, resolve: judge } = Promise.withResolvers<'accept'>()
  receiver.broadcast.subscribe('blocks', () => judged)
  await connect(author, receiver)

  const first = await author.broadcast.publish('blocks', pattern(MIB), { strategy: 'flood' })
  await first.settled()
  const second = pattern(MIB, 2)
  await expect(author.broadcast.publish('blocks', second, { strategy: 'flood' })).rejects.toMatchObject({
    name: 'QueueFullError',
    limit: 'maxRetainedBytes',
    value: MIB,
  })

  judge('accept')
  await first.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const delivery = await author.broadcast.publish('blocks', second, { strategy: 'flood' })
  expect(await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })).toBe(1)
})

it('leaves nothing behind when it stops in the middle of a pull', async () => {
  const [author, receiver] = [await createNode(LARGE), await createNode(LARGE)]
  const handler = vi.fn<BroadcastHandler>(() => 'accept')
  receiver.broadcast.subscribe('blocks', handler)
  await connect(author, receiver)
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  author.unicast?.unhandle(CHUNK_HANDLER)
  author.unicast?.handle(CHUNK_HANDLER, () => {
    resolve()
    return new Promise(() => undefined)
  })
  await author.broadcast.publish('blocks', pattern(MIB), { lane: 'critical' })
  await asked

  await receiver.libp2p.stop()

  expect(receiver.unicast?.handlers.size).toBe(0)
  expect(receiver.unicast?.inFlight).toBe(0)
  expect(handler).not.toHaveBeenCalled()
})

it('rejects a publish that is stopped while it is being split', async () => {
  const node = await createNode(LARGE)
  const publishing = node.broadcast.publish('blocks', pattern(20 * MIB))
  const failure = publishing.catch((err: unknown) => err)
  await node.libp2p.stop()
  expect(await failure).toMatchObject({ name: 'NotStartedError' })
})

it('sends the announcement through the handler of frames, with the id of the delivery', async () => {
  const [author, receiver] = [await createNode(LARGE), await createNode(LARGE)]
  collect([receiver], 'alarm')
  await connect(author, receiver)
  const delivery = await author.broadcast.publish('alarm', pattern(MIB), { strategy: 'flood' })
  await delivery.confirmed(1, { signal: AbortSignal.timeout(PATIENCE_MS) })
  expect(author.unicast?.sent.filter(({ name }) => name === BROADCAST_HANDLER)).toHaveLength(1)
  const [request] = requestsBy(receiver)
  expect(toHex(request?.bytes ?? new Uint8Array())).toContain(delivery.id)
})
