import { setImmediate } from 'node:timers/promises'
import { gossipsub } from '@libp2p/gossipsub'
import type { Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { afterEach, expect, it, vi } from 'vitest'
import type { BroadcastComponents, BroadcastInit } from '../src/index.ts'
import {
  collect,
  connect,
  createNode,
  eventually,
  meshOf,
  PATIENCE_MS,
  stopNodes,
  type TestNode,
  wireTopic,
} from './helpers/nodes.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

/** The gossip streams that a peer has opened to the node. */
function inbound(node: TestNode): Stream[] {
  const streams = node.libp2p.getConnections().flatMap((connection) => connection.streams)
  return streams.filter(({ direction, protocol }) => direction === 'inbound' && protocol.startsWith('/meshsub/'))
}

/** Gossipsub that goes on starting until `go`, with its protocols there already, as on a store that is slow to note them. */
function slowGossip() {
  const { promise: starting, resolve: onStarting } = Promise.withResolvers<void>()
  const { promise: told, resolve: go } = Promise.withResolvers<void>()
  const gossip: BroadcastInit['gossip'] = (components, options) => {
    const { registrar } = components
    const handle: Registrar['handle'] = async (...args) => {
      await registrar.handle(...args)
      onStarting()
      await told
    }
    const slow: unknown = Object.create(registrar, { handle: { value: handle } })
    return gossipsub(options)(Object.create(components, { registrar: { value: slow } }) as BroadcastComponents)
  }
  return { gossip, starting, go }
}

/** Publishes from either side until each has a message of the other. */
async function exchange(one: TestNode, other: TestNode, received: Map<string, Uint8Array[]>): Promise<void> {
  for (const [index, from] of [one, other].entries()) {
    const delivery = await from.broadcast.publish('orders', new Uint8Array([index]))
    expect(delivery.peers.size).toBe(1)
  }
  await eventually(() => {
    expect(received.get(one.peerId.toString())).toEqual([new Uint8Array([1])])
    expect(received.get(other.peerId.toString())).toEqual([new Uint8Array([0])])
  })
}

it('hears a peer that opened its stream before gossip had started', async () => {
  const { gossip, starting, go } = slowGossip()
  const [node, peer] = [await createNode({ gossip, start: false }), await createNode()]
  const received = collect([node, peer], 'orders')
  const started = node.libp2p.start()
  await starting
  await connect(node, peer)
  await eventually(() => expect(inbound(node)).toHaveLength(1))
  // Turns in which it would be handed over, and lost.
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(peer.broadcast.unreached()).toEqual(['orders'])
  go()
  await started
  await Promise.all([node, peer].map(async (each) => meshOf(each, 'orders', 1)))
  expect(peer.broadcast.unreached()).toEqual([])
  await exchange(node, peer, received)
})

it.each(['older', 'newer'])('hears a peer whose %s stream of two broke, and is heard', async (which) => {
  const [node, peer] = [await createNode(), await createNode()]
  const received = collect([node, peer], 'orders')
  collect([node], 'trades')
  await connect(peer, node)
  await Promise.all([node, peer].map(async (each) => meshOf(each, 'orders', 1)))
  const [connection] = peer.libp2p.getConnections()
  const older = connection?.streams.find(
    ({ direction, protocol }) => direction === 'outbound' && protocol.startsWith('/meshsub/'),
  )
  // As where dials cross, and one of the connections is closed. That it was heard shows in what is said on it alone.
  const newer = await connection?.newStream('/meshsub/1.2.0')
  newer?.send(subscription('trades'))
  await meshOf(node, 'trades', 1)
  const broken = which === 'older' ? older : newer
  broken?.abort(new RangeError('its connection was closed'))
  await eventually(() => expect(node.broadcast.mesh('trades')).toEqual([]))
  await Promise.all([node, peer].map(async (each) => meshOf(each, 'orders', 1)))
  await exchange(node, peer, received)
})

/** What gossipsub says on a stream of its own, with its length before it. */
function subscription(topic: string): Uint8Array {
  const name = Buffer.from(wireTopic(topic))
  const subscribe = Buffer.from([0x08, 1, 0x12, name.length, ...name])
  return Buffer.from([subscribe.length + 2, 0x0a, subscribe.length, ...subscribe])
}
