// Adds one package, @gridmesh/discovery-coordinator, to plain libp2p nodes: a newcomer that knows one address finds
// the rest of the network by itself.
// Run: node examples/discovery-coordinator-alone.ts
import assert from 'node:assert/strict'
import { bootstrap, discovery, peerExchange } from '@gridmesh/discovery-coordinator'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const create = (minPeers: number, seeds: string[] = []) =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      // Peer exchange passes on the signed records that identify brings.
      identify: identify(),
      discovery: discovery({ minPeers, targetPeers: minPeers, strategies: [bootstrap(seeds), peerExchange()] }),
    },
  })

/** Resolves when the node has as many peers as it wants. */
const whenMinimum = (node: Awaited<ReturnType<typeof create>>) =>
  new Promise<number>((resolve) => {
    const { discovery: service } = node.services
    service.addEventListener('discovery:minimum', ({ detail }) => {
      if (detail.isMet) resolve(detail.ready)
    })
    // The event may have been and gone.
    const { ready, timeToMinimumMs } = service.stats()
    if (timeToMinimumMs !== undefined) resolve(ready)
  })

const seed = await create(1)
const seeds = seed.getMultiaddrs().map(String)
const [north, south] = await Promise.all([create(1, seeds), create(1, seeds)])
await Promise.all([north, south].map(whenMinimum))

const newcomer = await create(3, seeds)
newcomer.services.discovery.addEventListener('discovery:candidate', ({ detail: { candidate, strategy } }) => {
  console.log(`${strategy} found ${candidate.id.toString()} at ${candidate.addresses.join()}`)
})
const ready = await whenMinimum(newcomer)
const { timeToMinimumMs, strategies } = newcomer.services.discovery.stats()
console.log(`the newcomer knew 1 address and has ${ready} peers after ${timeToMinimumMs?.toFixed(0)} ms`)

const expected = [seed, north, south].map(({ peerId }) => peerId.toString())
assert.deepEqual(newcomer.getPeers().map(String).toSorted(), expected.toSorted())
assert.equal(strategies['peer-exchange']?.candidates, 2)

for (const node of [newcomer, north, south, seed]) await node.stop()
