import { once } from 'node:events'
import { createServer } from 'node:net'
import { type Reason, SHUTDOWN_PHASES } from '@gridmesh/interfaces'
import { createNode } from '@gridmesh/node'
import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { guestOf, join } from '../src/guest.ts'
import { labelOf, labelled } from '../src/inbox.ts'
import { KINDS } from '../src/kinds.ts'
import { SOON } from '../src/mesh.ts'

let network: Network
beforeAll(async () => {
  network = await Network.start({ nodes: 4, flags: { shutdownGraceMs: 8_000 } })
})
afterAll(() => network.stop())

it('tells its peers why, handles what it took, closes, and leaves nothing open, each step as planned', async () => {
  const node = network.node(0)
  const guest = await guestOf(node)
  await join(guest, node)
  const told: Reason[] = []
  guest.services.handshake.addEventListener('peer:goodbye', ({ detail }) => told.push(detail.reason))
  const { peerId, services } = node.libp2p
  const handled: string[] = []
  services.messages.on(KINDS.high, async (bytes) => {
    await new Promise((resolve) => setImmediate(resolve))
    handled.push(labelOf(bytes))
  })
  const texts = Array.from({ length: 100 }, (_, index) => `taken ${index}`)
  await Promise.all(texts.map(async (text) => guest.services.messages.send(peerId, KINDS.high, labelled(text))))
  const { url } = node

  const [report, again] = await Promise.all([node.stop(), node.stop()])
  expect(report.clean).toBe(true)
  expect(again).toBe(report)
  expect(await node.stop()).toBe(report)
  const phases = report.steps.map(({ phase }) => SHUTDOWN_PHASES.indexOf(phase))
  expect(phases).toEqual(phases.toSorted((a, b) => a - b))
  expect(report.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['http', 'libp2p', 'datastore']))
  // A receipt says that a message was taken, and what was taken is handled even now.
  expect(handled.toSorted()).toEqual(texts.toSorted())

  await vi.waitFor(() => expect(guest.libp2p.getConnections().length).toBe(0), SOON)
  await vi.waitFor(() => expect(told.map(({ code }) => code)).toEqual(['shutting-down']), SOON)
  for (const other of [network.node(1), network.node(2)]) {
    await vi.waitFor(() => expect(other.libp2p.getConnections(peerId).length).toBe(0), SOON)
    // Who took leave is not lost: it makes no partition.
    expect(other.libp2p.services.health.network().partitionRisk).toBeLessThan(1)
  }
  expect(node.libp2p.getConnections().length).toBe(0)
  // libp2p's own Kademlia keeps its handler registered when it is stopped.
  const ours = node.libp2p.getProtocols().filter((protocol) => protocol.startsWith('/gridmesh'))
  expect(ours.filter((protocol) => !protocol.endsWith('/kad/1'))).toEqual([])
  await expect(fetch(`${url}/api/v1/node/info`)).rejects.toThrow('fetch failed')
  await expect(join(guest, node)).rejects.toBeInstanceOf(Error)
  await guest.stop()
})

it('refuses who comes while it finishes what is under way', async () => {
  const node = network.node(3)
  const guest = await guestOf(node)
  const tried: unknown[] = []
  node.libp2p.services.shutdown.register('drain', 'a newcomer', async () => {
    tried.push(await join(guest, node).catch((err: unknown) => err))
  })
  await node.stop()
  expect(tried).toMatchObject([{ code: 'shutting-down', by: 'them' }])
  await guest.stop()
})

it('goes on past steps that fail or hang, and names them', async () => {
  const node = network.node(1)
  const { shutdown } = node.libp2p.services
  const refusal = new TypeError('will not')
  const never = Promise.withResolvers<void>()
  shutdown.register('drain', 'refuses', () => Promise.reject(refusal))
  shutdown.register('drain', 'hangs', () => never.promise, { deadlineMs: 100 })
  const report = await node.stop()
  expect(report.clean).toBe(false)
  expect(report.steps.filter(({ outcome }) => outcome !== 'done')).toMatchObject([
    { name: 'refuses', outcome: 'failed', error: refusal },
    { name: 'hangs', outcome: 'abandoned', error: { name: 'TimeoutError' } },
  ])
  expect(node.libp2p.status).toBe('stopped')
  never.resolve()
})

it('releases ports and data directory: the node can be started again at once, as who it was', async () => {
  const node = network.node(2)
  const { config, p2pPort, apiPort } = node
  expect((await node.stop()).clean).toBe(true)
  for (const port of [p2pPort, apiPort]) {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  }
  const again = await createNode({ config })
  await again.start()
  expect(again.libp2p.peerId.equals(node.libp2p.peerId)).toBe(true)
  expect(again.p2pPort).toBe(p2pPort)
  expect((await again.stop()).clean).toBe(true)
})
