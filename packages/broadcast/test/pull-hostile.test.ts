import type { BroadcastHandler } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { decodeChunkRequest, encodeChunkReply, encodeChunkRequest } from '../src/chunk-codec.ts'
import { ACK_HANDLER, BROADCAST_HANDLER, CHUNK_HANDLER } from '../src/index.ts'
import { encodeAck } from '../src/ack-codec.ts'
import { type Announcement, announce, MIB, pattern } from './helpers/payloads.ts'
import {
  collect,
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

const TOPIC = wireTopic('blocks')
const PAYLOAD = pattern(MIB)
const LARGE = { maxMessageBytes: 100 * MIB }

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** A node that wants blocks, and what it says of its peers. */
async function receiver(
  init: TestNodeInit = {},
): Promise<{ node: TestNode; manager: TestPeerManager; received: Uint8Array[] }> {
  const manager = new TestPeerManager()
  const node = await createNode({ ...LARGE, manager, ...init })
  return { node, manager, received: collect([node], 'blocks').get(node.peerId.toString()) ?? [] }
}

/** A peer that answers requests for chunks as it is told. */
async function server(
  node: TestNode,
  serve: (indexes: number[]) => Uint8Array | Promise<Uint8Array>,
): Promise<RawPeer & { asked: number[][] }> {
  const peer = await createRawPeer()
  const asked: number[][] = []
  peer.unicast.handle(CHUNK_HANDLER, (bytes) => {
    const indexes = decodeChunkRequest(bytes)?.indexes ?? []
    asked.push(indexes)
    return serve(indexes)
  })
  await node.libp2p.dial(peer.libp2p.getMultiaddrs())
  return { ...peer, asked }
}

function honest({ split }: Announcement): (indexes: number[]) => Uint8Array {
  return (indexes) => encodeChunkReply(indexes.map((index) => split.chunk(index)))
}

function forge({ split }: Announcement): (indexes: number[]) => Uint8Array {
  return (indexes) =>
    encodeChunkReply(
      indexes.map((index) => ({ ...split.chunk(index), bytes: split.chunk(index).bytes.map((byte) => byte ^ 1) })),
    )
}

async function tell(peer: RawPeer, node: TestNode, { frame }: Announcement): Promise<string> {
  return refusal(peer.unicast.send(node.peerId, BROADCAST_HANDLER, frame))
}

async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'taken',
    (err: unknown) => (err instanceof Error && 'code' in err ? String(err.code) : 'failed'),
  )
}

function isPayload(received: Uint8Array[]): boolean[] {
  return received.map((bytes) => Buffer.compare(bytes, PAYLOAD) === 0)
}

it('reports a peer that forges chunks, with evidence, and takes the payload from another', async () => {
  const { node, manager, received } = await receiver()
  const announcement = announce(TOPIC, PAYLOAD)
  const [forger, other] = [await server(node, forge(announcement)), await server(node, honest(announcement))]

  expect(await tell(forger, node, announcement)).toBe('taken')
  await eventually(() => expect(manager.classesOf(forger.peerId)).toEqual(['invalid-message']))
  expect(received).toEqual([])
  expect(await tell(other, node, announcement)).toBe('taken')

  await eventually(() => expect(isPayload(received)).toEqual([true]))
  expect(forger.asked).toHaveLength(1)
  expect(manager.reports[0]?.report.evidence).toBe(`forged chunk 0 of ${announcement.hex}: wrong-root`)
  expect(manager.classesOf(forger.peerId)).toEqual(['invalid-message'])
  expect(manager.classesOf(other.peerId)).toEqual(['useful'])
})

it('goes on with another peer when one dies in the middle of a pull', async () => {
  const { node, manager, received } = await receiver()
  const announcement = announce(TOPIC, PAYLOAD)
  const serve = honest(announcement)
  let served = 0
  const dying = await server(node, (indexes) => (served++ < 2 ? serve(indexes) : new Promise(() => undefined)))
  const other = await server(node, serve)

  await tell(dying, node, announcement)
  await eventually(() => expect(dying.asked.length).toBeGreaterThan(2))
  await dying.libp2p.stop()
  await tell(other, node, announcement)

  await eventually(() => expect(isPayload(received)).toEqual([true]))
  const firsts = new Set(dying.asked.slice(0, 2).flat())
  expect(other.asked.flat().filter((index) => firsts.has(index))).toEqual([])
  expect(manager.classesOf(dying.peerId)).not.toContain('invalid-message')
})

it('passes over a peer that announces and never serves', async () => {
  const { node, manager, received } = await receiver({ chunkLateMs: 20 })
  const announcement = announce(TOPIC, PAYLOAD)
  const [mute, other] = [
    await server(node, () => new Promise(() => undefined)),
    await server(node, honest(announcement)),
  ]

  await tell(mute, node, announcement)
  await eventually(() => expect(mute.asked).toHaveLength(1))
  await tell(other, node, announcement)

  await eventually(() => expect(isPayload(received)).toEqual([true]))
  expect(mute.asked).toHaveLength(1)
  expect(other.asked.flat()).toEqual(expect.arrayContaining(mute.asked.flat()))
  expect(manager.classesOf(mute.peerId)).not.toContain('invalid-message')
})

it('forgets what nobody serves, and pulls it when a peer announces it that does', async () => {
  const { node, manager, received } = await receiver({ sourceWaitMs: 0 })
  const announcement = announce(TOPIC, PAYLOAD)
  const liar = await createRawPeer()
  liar.unicast.handle(CHUNK_HANDLER, () => {
    throw Object.assign(new TypeError('none'), { code: 'absent' })
  })
  await node.libp2p.dial(liar.libp2p.getMultiaddrs())
  await tell(liar, node, announcement)
  await eventually(() => expect(manager.classesOf(liar.peerId)).toEqual(['absent']))

  const other = await server(node, honest(announcement))
  await tell(other, node, announcement)
  await eventually(() => expect(isPayload(received)).toEqual([true]))
  await eventually(() => expect(manager.classesOf(other.peerId)).toEqual(['useful']))
})

it('asks every peer that announces by gossip while it pulls', async () => {
  const { node, received } = await receiver()
  const announcement = announce(TOPIC, PAYLOAD, { topic: '' })
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const serve = honest(announcement)
  const held = async (indexes: number[]): Promise<Uint8Array> => {
    await released
    return serve(indexes)
  }
  const first = await server(node, held)
  const second = await server(node, held)
  for (const peer of [first, second]) await meet(peer, node, 'blocks')

  await first.pubsub.publish(TOPIC, announcement.frame)
  await eventually(() => expect(first.asked).toHaveLength(1))
  await second.pubsub.publish(TOPIC, announcement.frame)
  await eventually(() => expect(second.asked).toHaveLength(1))
  release()

  await eventually(() => expect(isPayload(received)).toEqual([true]))
})

it('gossips on what it pulled, though another than the first to announce it gave most', async () => {
  const { node, received } = await receiver({ chunkLateMs: 20 })
  const announcement = announce(TOPIC, PAYLOAD, { topic: '' })
  const mute = await server(node, () => new Promise(() => undefined))
  const giver = await server(node, honest(announcement))
  const next = await createRawPeer()
  for (const peer of [mute, giver, next]) await meet(peer, node, 'blocks')
  const { promise: passedOn, resolve } = Promise.withResolvers<Uint8Array>()
  next.pubsub.addEventListener('message', (event) => resolve(event.detail.data))

  await mute.pubsub.publish(TOPIC, announcement.frame)
  await eventually(() => expect(mute.asked).toHaveLength(1))
  await giver.pubsub.publish(TOPIC, announcement.frame)

  await eventually(() => expect(isPayload(received)).toEqual([true]))
  expect(await passedOn).toEqual(announcement.frame)
})

it('asks a peer that acknowledges what is being pulled', async () => {
  const { node, received } = await receiver()
  const announcement = announce(TOPIC, PAYLOAD)
  const mute = await server(node, () => new Promise(() => undefined))
  const other = await server(node, honest(announcement))
  await tell(mute, node, announcement)
  await eventually(() => expect(mute.asked).toHaveLength(1))
  await mute.libp2p.stop()
  await other.unicast.send(node.peerId, ACK_HANDLER, encodeAck([announcement.id]))
  await eventually(() => expect(isPayload(received)).toEqual([true]))
})

it('refuses an announcement over maxMessageBytes, blames the sender, and asks for nothing', async () => {
  const { node, manager, received } = await receiver({ maxMessageBytes: MIB })
  const tooLarge = announce(TOPIC, pattern(MIB + 1))
  const peer = await server(node, honest(tooLarge))
  expect(await tell(peer, node, tooLarge)).toBe('too-large')
  expect(manager.classesOf(peer.peerId)).toEqual(['protocol-violation'])

  const fitting = announce(TOPIC, PAYLOAD)
  expect(await tell(await server(node, honest(fitting)), node, fitting)).toBe('taken')
  await eventually(() => expect(isPayload(received)).toEqual([true]))
  expect(peer.asked).toEqual([])
})

it('stays in bounds under a flood of announcements, and has room for the payload of another peer', async () => {
  const { node, received } = await receiver({ maxPulls: 20, maxPullsPerPeer: 10, sourceWaitMs: 0 })
  const flooder = await server(node, () => new Promise(() => undefined))
  const answers: string[] = []
  for (let i = 0; i < 200; i++) {
    const root = new Uint8Array(32).fill(i)
    const bogus = announce(TOPIC, new Uint8Array(), { announced: { root, totalBytes: MIB, chunkBytes: 65_536 } })
    answers.push(await tell(flooder, node, bogus))
  }
  expect(answers.filter((answer) => answer === 'taken')).toHaveLength(10)
  expect(new Set(answers)).toEqual(new Set(['taken', 'busy']))
  // Sixteen chunks of one peer, three in a request, and one request for each payload that it never served.
  expect(flooder.asked.flat().length).toBeLessThanOrEqual(16)

  const announcement = announce(TOPIC, PAYLOAD)
  expect(await tell(await server(node, honest(announcement)), node, announcement)).toBe('taken')
  await eventually(() => expect(isPayload(received)).toEqual([true]))
})

it('gives chunks to ready peers that ask well, and to nobody else', async () => {
  const ready = new Set<string>()
  const { node, manager } = await receiver({ handshake: { isReady: (peer) => ready.has(peer.toString()) } })
  const peer = await createRawPeer()
  await node.libp2p.dial(peer.libp2p.getMultiaddrs())
  const delivery = await node.broadcast.publish('blocks', PAYLOAD, { strategy: 'flood' })
  const id = Buffer.from(delivery.id, 'hex')
  const ask = (bytes: Uint8Array): Promise<string> => refusal(peer.unicast.request(node.peerId, CHUNK_HANDLER, bytes))

  expect(await ask(encodeChunkRequest({ id, indexes: [0] }))).toBe('not-ready')
  ready.add(peer.peerId.toString())
  expect(await ask(encodeChunkRequest({ id, indexes: [0] }))).toBe('taken')
  expect(await ask(encodeChunkRequest({ id: new Uint8Array(20), indexes: [0] }))).toBe('absent')
  expect(manager.reports).toEqual([])
  const malformed = [
    new Uint8Array(),
    new Uint8Array(200),
    encodeChunkRequest({ id: new Uint8Array(19), indexes: [0] }),
    encodeChunkRequest({ id, indexes: [] }),
    encodeChunkRequest({ id, indexes: [0, 0] }),
    encodeChunkRequest({ id, indexes: [16] }),
    encodeChunkRequest({ id, indexes: Array.from({ length: 17 }, (_, i) => i) }),
  ]
  for (const bytes of malformed) expect(await ask(bytes)).toBe('malformed')
  expect(manager.classesOf(peer.peerId)).toEqual(Array(malformed.length).fill('protocol-violation'))
})

it('answers with as many chunks as may be pushed, however many are asked for', async () => {
  const { node } = await receiver()
  const peer = await createRawPeer()
  await node.libp2p.dial(peer.libp2p.getMultiaddrs())
  const delivery = await node.broadcast.publish('blocks', PAYLOAD, { strategy: 'flood' })
  const indexes = Array.from({ length: 16 }, (_, i) => i)
  const question = encodeChunkRequest({ id: Buffer.from(delivery.id, 'hex'), indexes })
  const reply = await peer.unicast.request(node.peerId, CHUNK_HANDLER, question)
  expect(reply.length).toBeGreaterThan(3 * 65_536)
  expect(reply.length).toBeLessThanOrEqual(262_144)
})

it('never throws anything untyped at random requests for chunks', async () => {
  const { node } = await receiver()
  const peer = await createRawPeer()
  const handler = node.unicast?.handlers.get(CHUNK_HANDLER)
  const context = { peer: peer.peerId, lane: 'normal', signal: AbortSignal.timeout(PATIENCE_MS) } as const
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await expect((async () => handler?.(bytes, context))()).rejects.toMatchObject({ name: 'MessageRefusedError' })
    }),
  )
})

it('blames every peer that announced what the handler rejects', async () => {
  const manager = new TestPeerManager()
  const node = await createNode({ ...LARGE, manager })
  const handler = vi.fn<BroadcastHandler>(() => 'reject')
  node.broadcast.subscribe('blocks', handler)
  const announcement = announce(TOPIC, PAYLOAD)
  const [first, second] = [await server(node, honest(announcement)), await server(node, honest(announcement))]
  await tell(first, node, announcement)
  await eventually(() => expect(manager.classesOf(first.peerId)).toEqual(['invalid-message']))
  expect(await tell(second, node, announcement)).toBe('rejected')
  expect(manager.classesOf(second.peerId)).toEqual(['invalid-message'])
  expect(handler).toHaveBeenCalledTimes(1)
})

it('gives up what it pulls for a topic that it leaves', async () => {
  const { node, received } = await receiver()
  const unsubscribe = node.broadcast.subscribe('other', () => 'accept')
  const announcement = announce(wireTopic('other'), PAYLOAD)
  const peer = await server(node, () => new Promise(() => undefined))
  await tell(peer, node, announcement)
  await eventually(() => expect(peer.asked).toHaveLength(1))
  unsubscribe()
  await eventually(() => expect(node.unicast?.inFlight).toBe(0))
  expect(received).toEqual([])
  expect(await tell(peer, node, announcement)).toBe('not-subscribed')
})
