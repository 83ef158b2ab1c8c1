import type { GridmeshNode } from '@gridmesh/node'
import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { counter } from '../src/counters.ts'
import { Stranger } from '../src/stranger.ts'

const soon = { timeout: 15_000, interval: 20 }
const SWARM = 200
const MAX_INBOUND = 8
const MAX_PER_IP = 3
const MAX_PER_NETWORK = 5

let network: Network
const strangers: Stranger[] = []
const node = (): GridmeshNode => network.node(0)

beforeAll(async () => {
  // One node that nobody else dials, and that counts this machine's addresses as it counts the internet's.
  network = await Network.start({
    nodes: 1,
    flags: {
      'pool.exemptLoopback': false,
      'pool.maxInbound': MAX_INBOUND,
      'pool.maxPerIp': MAX_PER_IP,
      'pool.maxPerNetwork': MAX_PER_NETWORK,
    },
  })
})
afterAll(async () => {
  for (const stranger of strangers) await stranger.stop()
  await network.stop()
})

async function introduce(from: string, region = 'nowhere'): Promise<Stranger> {
  const stranger = await Stranger.polite(node(), { from, region })
  strangers.push(stranger)
  return stranger
}

/** Ready peers of our node at addresses that begin so: who is turned away is linked until it knows why. */
function held(prefix: string): number {
  const { handshake } = node().libp2p.services
  return node()
    .libp2p.getConnections()
    .filter(({ remotePeer }) => handshake.isReady(remotePeer))
    .filter(({ remoteAddr }) => remoteAddr.toString().startsWith(`/ip4/${prefix}`)).length
}

it('gives a swarm of 200 ids from one address its share and no more, and keeps every honest peer', async () => {
  const honest = await Promise.all(['127.1.1.1', '127.2.1.1', '127.3.1.1', '127.4.1.1'].map((from) => introduce(from)))
  for (const stranger of honest) await stranger.meet(node())

  const most: number[] = []
  const watch = setInterval(() => most.push(held('127.9.9.9/')), 5)
  const swarm = await Promise.all(Array.from({ length: SWARM }, () => introduce('127.9.9.9')))
  const came = await Promise.allSettled(swarm.map((stranger) => stranger.meet(node())))
  clearInterval(watch)

  expect(came.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(MAX_PER_IP)
  expect(Math.max(...most)).toBeLessThanOrEqual(MAX_PER_IP)
  for (const stranger of honest) {
    expect(node().libp2p.services.handshake.isReady(stranger.libp2p.peerId)).toBe(true)
  }
  const refused = await counter(node(), 'gridmesh_connection_pool_refused_total')
  expect(refused).toBeGreaterThanOrEqual(SWARM - MAX_PER_IP)
})

it('gives a swarm from one network its share and no more', async () => {
  const swarm = await Promise.all(Array.from({ length: 40 }, (_, index) => introduce(`127.8.8.${index + 1}`)))
  await Promise.allSettled(swarm.map((stranger) => stranger.meet(node())))
  expect(held('127.8.8.')).toBeLessThanOrEqual(MAX_PER_NETWORK)
})

it('takes in a better newcomer when full, and tells the worst why it had to go', async () => {
  await vi.waitFor(async () => {
    const [index] = [strangers.length]
    await (await introduce(`127.${20 + index}.1.1`)).meet(node()).catch(() => {})
    expect(node().libp2p.services.peerManager.select().length).toBeGreaterThanOrEqual(MAX_INBOUND)
  }, soon)
  const { peerManager } = node().libp2p.services
  const goodbyes: { code: string; limit?: string; value?: number }[] = []
  for (const { libp2p } of strangers) {
    libp2p.services.handshake.addEventListener('peer:goodbye', ({ detail }) => goodbyes.push(detail.reason))
  }
  // All of them: some are protected by how fast they answer, or by use, and which those are is up to the machine.
  for (const { id } of peerManager.select()) peerManager.report(id, { class: 'slow', evidence: 'answers late' })
  const newcomer = await introduce('127.100.1.1', 'far-away')
  await newcomer.meet(node())
  await vi.waitFor(() => {
    expect(goodbyes).toContainEqual(
      expect.objectContaining({ code: 'evicted', limit: 'maxInbound', value: MAX_INBOUND }),
    )
  }, soon)
  expect(peerManager.select().length).toBeLessThanOrEqual(MAX_INBOUND)
})
