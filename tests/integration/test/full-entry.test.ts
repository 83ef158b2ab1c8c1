import type { ConnectionPoolInit } from '@gridmesh/connection-pool'
import { bootstrap, discovery, type DiscoveryService, peerExchange } from '@gridmesh/discovery-coordinator'
import { afterEach, expect, it, vi } from 'vitest'
import { type LinkedNode, startLinked } from './linked-node.ts'

const soon = { timeout: 20_000, interval: 50 }

type Node = LinkedNode<{ discovery: DiscoveryService }>

const nodes: Node[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

/** A node that knows of nobody but `entries`. */
async function start(entries: readonly Node[], limits: ConnectionPoolInit = {}): Promise<Node> {
  const list = entries.map((entry) => String(entry.getMultiaddrs()[0]))
  const strategies = [...(list.length > 0 ? [bootstrap(list)] : []), peerExchange()]
  const init = { minPeers: 2, targetPeers: 4, minOutbound: 0, intervalMs: 200, strategies }
  const node = await startLinked({ discovery: discovery(init) }, limits)
  nodes.push(node)
  return node
}

function readyPeers({ services }: Node): number {
  return services.peerManager.select().length
}

it('newcomers that know nobody but a full node hear from it where there is room, and join', async () => {
  // It would dial others itself, as soon as its members tell of them.
  const entry = await start([], { maxInbound: 2, maxOutbound: 0 })
  const members = [await start([entry]), await start([entry])]
  await vi.waitFor(() => expect(readyPeers(entry)).toBe(2), soon)
  const newcomers = await Promise.all([1, 2, 3].map(async () => start([entry])))
  await vi.waitFor(() => {
    for (const node of [...members, ...newcomers]) expect(readyPeers(node)).toBeGreaterThanOrEqual(2)
  }, soon)
  expect(readyPeers(entry)).toBe(2)
})
