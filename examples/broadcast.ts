// Publishes to a network of four with @gridmesh/broadcast, in the lane that may not wait: it floods and gossips at once.
// Who is connected acknowledges, who is further away gets it through the others, and each handler runs once. Floods and
// acknowledgements travel by a unicast, so @gridmesh/unicast is there too.
// Run: node examples/broadcast.ts
import assert from 'node:assert/strict'
import { broadcast } from '@gridmesh/broadcast'
import type { BroadcastHandler } from '@gridmesh/interfaces'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const create = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), unicast: unicast(), broadcast: broadcast({ chainId: 'demo' }) },
  })
const [alice, bob, carol, dave] = await Promise.all([create(), create(), create(), create()])

const received: string[] = []
const { promise: everybodyHasIt, resolve } = Promise.withResolvers<void>()
for (const [name, node] of Object.entries({ bob, carol, dave })) {
  const take: BroadcastHandler = (bytes, { via }) => {
    received.push(name)
    console.log(`${name} got "${new TextDecoder().decode(bytes)}" by ${via}`)
    if (received.length === 3) resolve()
    return 'accept'
  }
  // Told the lane of the topic, a node refuses no emergency because of what else the peer has sent.
  node.services.broadcast.subscribe('emergency', take, { lane: 'critical' })
}
// Dave knows bob only: what alice publishes has to pass through bob.
await dave.dial(bob.getMultiaddrs())
await alice.dial(bob.getMultiaddrs())
await alice.dial(carol.getMultiaddrs())

const message = new TextEncoder().encode('reduce load in bangkok')
const delivery = await alice.services.broadcast.publish('emergency', message, { lane: 'critical' })
const confirmed = await delivery.confirmed(2, { signal: AbortSignal.timeout(10_000) })
await everybodyHasIt

for (const [peer, { status }] of delivery.peers) console.log(`${peer}: ${status}`)
console.log(`${confirmed} peers have confirmed, success rate ${delivery.successRate}`)
assert.deepEqual(received.toSorted(), ['bob', 'carol', 'dave'])
for (const { peerId } of [bob, carol]) assert.equal(delivery.peers.get(peerId.toString())?.status, 'acknowledged')

for (const node of [dave, carol, bob, alice]) await node.stop()
