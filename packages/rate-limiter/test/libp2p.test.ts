import type { Quota } from '@gridmesh/interfaces'
import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import { rateLimiter, type RateLimiterInit } from '../src/index.ts'
import { fakeHandshake, fakePeerManager, type Reported } from './fakes.ts'

const PROTOCOL = '/test/1'
const reports: Reported[] = []
const nodes: { stop(): Promise<void> | void }[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
  reports.length = 0
})

/** A node; its siblings come after the limiter, which must not mind. */
async function createNode(address: string, init: RateLimiterInit, quota?: Quota) {
  const node = await createLibp2p({
    addresses: { listen: [`/memory/${address}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    services: {
      rateLimiter: rateLimiter(init),
      peerManager: () => fakePeerManager(reports),
      handshake: () => fakeHandshake(quota),
    },
  })
  nodes.push(node)
  return node
}

it('refuses to start under another name, by which nobody would find it', async () => {
  const node = await createLibp2p({ start: false, services: { limits: rateLimiter() } })
  await expect(node.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'rateLimiter' })
})

it('holds a peer that floods a stream to its burst, names it and reports it', async () => {
  const sender = await createNode('limits-sender', {})
  const receiver = await createNode('limits-receiver', { messagesPerSecond: 0.001, messagesBurst: 3 })
  const { rateLimiter: limits } = receiver.services
  const refusedPeers = new Set<string>()
  let passed = 0
  let refused = 0
  limits.addEventListener('peer:limit', ({ detail }) => refusedPeers.add(detail.peer.toString()))
  await receiver.handle(PROTOCOL, async (stream, connection) => {
    for await (const data of stream) {
      for (let left = data.byteLength; left > 0; left -= 1) {
        if (limits.take(connection.remotePeer, PROTOCOL, { bytes: 1 }).ok) passed += 1
        else refused += 1
      }
    }
  })

  const connection = await sender.dial(multiaddr('/memory/limits-receiver'))
  const stream = await connection.newStream(PROTOCOL)
  for (let sent = 0; sent < 20; sent += 1) stream.send(Uint8Array.of(sent))
  await stream.close()
  await vi.waitFor(() => expect(passed + refused).toBe(20))

  expect(passed).toBe(3)
  expect([...refusedPeers]).toEqual([sender.peerId.toString()])
  expect(reports).toMatchObject([{ peer: sender.peerId.toString(), class: 'rate-limited' }])
})

it('refuses a second stream of a peer that opens them too often', async () => {
  const sender = await createNode('limits-opener', {})
  const receiver = await createNode('limits-opened', { streamsPerSecond: 0.001, streamsBurst: 1 })
  const answers: string[] = []
  await receiver.handle(PROTOCOL, async (stream, connection) => {
    const verdict = receiver.services.rateLimiter.take(connection.remotePeer, PROTOCOL, { streams: 1 })
    answers.push(verdict.ok ? 'ok' : verdict.limit)
    await stream.close()
  })
  const connection = await sender.dial(multiaddr('/memory/limits-opened'))
  for (let opened = 0; opened < 2; opened += 1) await connection.newStream(PROTOCOL)
  await vi.waitFor(() => expect(answers).toEqual(['ok', 'streamsPerSecond']))
})

it('keeps its counts over a restart of the node, and ends waits with it', async () => {
  const node = await createNode(
    'limits-restarted',
    { messagesPerSecond: 0.001, messagesBurst: 1 },
    { messagesPerSecond: 0.1, bytesPerSecond: 1_000 },
  )
  const { rateLimiter: limits } = node.services
  expect(limits.take(node.peerId, PROTOCOL).ok).toBe(true)
  await limits.whenAllowed(node.peerId)
  const waits = limits.whenAllowed(node.peerId).catch((err: Error) => err.name)
  await node.stop()
  expect(await waits).toBe('AbortError')
  await node.start()
  expect(limits.take(node.peerId, PROTOCOL).ok).toBe(false)
})
