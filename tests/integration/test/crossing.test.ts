import { broadcast, type BroadcastService } from '@gridmesh/broadcast'
import type { Unicast } from '@gridmesh/interfaces'
import { unicast } from '@gridmesh/unicast'
import { afterEach, expect, it, vi } from 'vitest'
import { type LinkedNode, startLinked } from './linked-node.ts'

const nodes: LinkedNode<{ unicast: Unicast; broadcast: BroadcastService }>[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

async function start(): Promise<(typeof nodes)[number]> {
  const node = await startLinked({ unicast: unicast(), broadcast: broadcast({ chainId: 'test' }) })
  nodes.push(node)
  return node
}

it('two nodes that dial each other at once end with one connection, and lose no message and no call by that', async () => {
  const [one, other] = [await start(), await start()]
  const pairs = [
    { from: one, to: other },
    { from: other, to: one },
  ]
  const missing = new Set<string>()
  const sent: Promise<unknown>[] = []
  for (const { services } of nodes) {
    services.unicast.handle('echo', async (bytes) => bytes)
    services.broadcast.subscribe('test', (bytes) => {
      missing.delete(new TextDecoder().decode(bytes))
      return 'accept'
    })
  }

  await Promise.all(
    pairs.map(async ({ from, to }) => {
      await from.services.connectionPool.acquire(to.peerId, { addresses: to.getMultiaddrs() })
      await from.services.peerManager.whenReady(to.peerId)
    }),
  )
  const speak = (): void => {
    for (const { from, to } of pairs) {
      const text = `${from.peerId.toString()} ${sent.length}`
      const bytes = new TextEncoder().encode(text)
      missing.add(text)
      sent.push(from.services.broadcast.publish('test', bytes, { strategy: 'gossip' }))
      sent.push(from.services.unicast.request(to.peerId, 'echo', bytes))
    }
  }
  const talk = setInterval(speak, 5)
  try {
    await vi.waitFor(() => expect(nodes.map((node) => node.getConnections().length)).toEqual([1, 1]), {
      timeout: 20_000,
      interval: 100,
    })
    // Whatever was under way by then, and something after it.
    for (let time = 0; time < 10; time++) speak()
  } finally {
    clearInterval(talk)
  }
  expect((await Promise.allSettled(sent)).filter(({ status }) => status === 'rejected')).toEqual([])
  await vi.waitFor(() => expect([...missing]).toEqual([]))
}, 40_000)
