// Adds one package, @gridmesh/connection-pool, to a plain libp2p node: two slots for anybody, one kept for a peer that
// must always get in, and a refusal that names the limit.
// Run: node examples/connection-pool-alone.ts
import assert from 'node:assert/strict'
import { connectionPool, type ConnectionPoolInit, libp2pLimits, type PoolRefused } from '@gridmesh/connection-pool'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const create = (limits: ConnectionPoolInit = {}) => {
  const pool = connectionPool(limits)
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: pool.gater,
    connectionManager: libp2pLimits(limits),
    services: { connectionPool: pool.service },
  })
}

const [first, second, third, authority] = await Promise.all([create(), create(), create(), create()])
const hub = await create({
  maxInbound: 2,
  reservedPeers: [authority.peerId],
  // All peers of this example share one IP address, of which three may connect by default.
  exemptLoopback: true,
})
const { connectionPool: pool } = hub.services

/** Connects to the hub. Calls of one node share one dial, and the connection once there is one. */
const acquire = (node: typeof hub) =>
  node.services.connectionPool.acquire(hub.peerId, { addresses: hub.getMultiaddrs() })

/** Connects to the hub, and resolves when it has taken the peer in. */
const join = async (node: typeof hub) => {
  const isIn = new Promise((resolve) => {
    hub.addEventListener('peer:connect', resolve, { once: true })
  })
  await acquire(node)
  await isIn
}

await join(first)
await join(second)
assert.equal(await acquire(first), await acquire(first))

const refused = new Promise<PoolRefused>((resolve) => {
  pool.addEventListener('pool:refused', ({ detail }) => resolve(detail), { once: true })
})
// Without a handshake to tell why, whoever dials sees the dial fail, or its connection close a moment later.
await acquire(third).catch(() => {})
const { peer, reason } = await refused
console.log(`the hub refused ${peer?.toString()}: ${reason.code}, ${reason.message}`)
assert.ok(peer?.equals(third.peerId))
assert.deepEqual([reason.code, reason.limit, reason.value], ['inbound-full', 'maxInbound', 2])
assert.equal(hub.getPeers().length, 2)

await join(authority)
const { inbound, reserved } = pool.usage()
console.log(`slots in use: inbound ${inbound.used} of ${inbound.limit}, reserved ${reserved.used} of ${reserved.limit}`)
assert.deepEqual([inbound.used, reserved.used], [2, 1])

for (const node of [first, second, third, authority, hub]) await node.stop()
