// Adds one package, @gridmesh/handshake, to plain libp2p nodes: two on one chain get ready, one on another is refused,
// and both sides are told why.
// Run: node examples/handshake-alone.ts
import assert from 'node:assert/strict'
import { handshake, type PeerRefused } from '@gridmesh/handshake'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const genesisHash = 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2'

const create = (chainId: string, role: string) =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { handshake: handshake({ chainId, genesisHash, role, region: 'bangkok', capabilities: ['sync'] }) },
  })

const [alice, bob, stranger] = await Promise.all([
  create('demo', 'consumer'),
  create('demo', 'authority'),
  create('other', 'consumer'),
])

// Dialling is enough: the handshake begins by itself on each new connection.
await alice.dial(bob.getMultiaddrs())
const hello = await alice.services.handshake.whenReady(bob.peerId)
console.log(`bob is ready: ${hello.role} of ${hello.region} on ${hello.chainId}, can ${hello.capabilities.join()}`)
assert.equal(hello.role, 'authority')
assert.deepEqual(alice.services.handshake.capabilities(bob.peerId), ['sync'])

// What changes later, ready peers are told of.
const announced = new Promise<number>((resolve) => {
  alice.services.handshake.addEventListener('peer:status', ({ detail }) => resolve(detail.status.height), {
    once: true,
  })
})
bob.services.handshake.setStatus({ height: 7, tipHash: '9f86d081' })
console.log(`bob says that he is at height ${await announced}`)
assert.equal(await announced, 7)

const refusal = (node: typeof bob) =>
  new Promise<PeerRefused>((resolve) => {
    node.services.handshake.addEventListener('peer:refused', ({ detail }) => resolve(detail), { once: true })
  })
const refusals = Promise.all([refusal(stranger), refusal(bob)])
await stranger.dial(bob.getMultiaddrs())
for (const { reason, by } of await refusals) {
  console.log(`refused by ${by}: ${reason.code}, ${reason.message}`)
  assert.equal(reason.code, 'wrong-chain')
}
assert.equal(bob.services.handshake.isReady(stranger.peerId), false)

// One after the other: two ends that hang up at once wait for each other.
for (const node of [alice, bob, stranger]) await node.stop()
