import { type Stream, stop } from '@libp2p/interface'
import { afterEach, expect, it, vi } from 'vitest'
import { encodeFrame } from '../src/frame.ts'
import {
  collect,
  connect,
  createNode,
  createRawPeer,
  eventually,
  meshOf,
  PATIENCE_MS,
  stopNodes,
  wireTopic,
} from './helpers/nodes.ts'

const TOPIC = wireTopic('orders')
/** Gossipsub takes no more peers that dial it into a mesh. */
const MESH_PEERS = 12

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

it('has no peer in its mesh that has not shaken hands, however many there are', async () => {
  const ready = new Set<string>()
  const node = await createNode({ handshake: { isReady: (peer) => ready.has(peer.toString()) } })
  node.broadcast.subscribe('orders', () => 'accept')
  const heard: string[] = []
  for (let i = 0; i < MESH_PEERS; i++) {
    const stranger = await createRawPeer()
    stranger.pubsub.addEventListener('gossipsub:message', () => heard.push('stranger'))
    stranger.pubsub.subscribe(TOPIC)
    await stranger.libp2p.dial(node.libp2p.getMultiaddrs())
    await eventually(() => expect(node.libp2p.getConnections(stranger.peerId)).toHaveLength(1))
  }
  const honest = await createNode()
  const received = collect([honest], 'orders')
  ready.add(honest.peerId.toString())
  await connect(honest, node)
  await meshOf(node, 'orders', 1)
  await meshOf(honest, 'orders', 1)
  expect(node.broadcast.mesh('orders').map(String)).toEqual([honest.peerId.toString()])

  await node.broadcast.publish('orders', Uint8Array.of(1), { strategy: 'gossip' })
  await eventually(() => expect(received.get(honest.peerId.toString())).toEqual([Uint8Array.of(1)]))
  expect(heard).toEqual([])
})

it('hears what a peer sent before it was ready once it is, and nothing before', async () => {
  const ready = new Set<string>()
  const node = await createNode({ handshake: { isReady: (peer) => ready.has(peer.toString()) } })
  const received = collect([node], 'orders')
  const early = await createRawPeer()
  early.pubsub.subscribe(TOPIC)
  await early.libp2p.dial(node.libp2p.getMultiaddrs())
  const { pubsub } = early
  const streams =
    'streamsOutbound' in pubsub && pubsub.streamsOutbound instanceof Map ? pubsub.streamsOutbound : new Map()
  await eventually(() => expect(streams.has(node.peerId.toString())).toBe(true))
  expect(node.broadcast.mesh('orders')).toEqual([])

  ready.add(early.peerId.toString())
  await meshOf(node, 'orders', 1)
  const origin = new Uint8Array(38)
  const data = encodeFrame({ lane: 'normal', isDirected: false, origin, hops: 0, topic: '', payload: Uint8Array.of(1) })
  await eventually(() => expect(pubsub.getSubscribers(TOPIC)).toHaveLength(1))
  await pubsub.publish(TOPIC, data)
  await eventually(() => expect(received.get(node.peerId.toString())).toEqual([Uint8Array.of(1)]))
})

it('lets go of a peer that is never ready when it stops', async () => {
  const node = await createNode({ handshake: { isReady: () => false } })
  node.broadcast.subscribe('orders', () => 'accept')
  const early = await createRawPeer()
  early.pubsub.subscribe(TOPIC)
  await early.libp2p.dial(node.libp2p.getMultiaddrs())
  const gossip = (): Stream[] =>
    node.libp2p
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter(({ protocol }) => protocol.startsWith('/meshsub/'))
  await eventually(() => expect(gossip()).toHaveLength(1))
  expect(gossip().map(({ readStatus }) => readStatus)).toEqual(['paused'])
  await stop(node.broadcast)
  await eventually(() => expect(gossip()).toEqual([]))
})
