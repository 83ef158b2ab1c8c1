import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { PING_PROTOCOL, type Ping, ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { healthMonitor, type HealthMonitorInit, type HealthService, type LoopMonitor } from '../src/index.ts'

type Services = { ping: Ping; health: HealthService; identify: unknown }

const WIDE_PING = { maxInboundStreams: 8, maxOutboundStreams: 8 }
const FAST: HealthMonitorInit = { sampleIntervalMs: 10, pingIntervalMs: 20, pingDeadlineMs: 2_000 }
const nodes: Libp2p[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop()
})

async function createNode(init: HealthMonitorInit = FAST): Promise<Libp2p<Services>> {
  const node = await createLibp2p<Services>({
    privateKey: await generateKeyPair('Ed25519'),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    // The monitor before what it needs: siblings are read when they are used.
    services: { health: healthMonitor(init), identify: identify(), ping: ping(WIDE_PING) },
  })
  nodes.push(node)
  return node
}

/** A node whose ping handler takes what comes and never answers. */
async function createMute(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  nodes.push(node)
  await node.handle(PING_PROTOCOL, async (stream) => {
    for await (const _ of stream) continue
  })
  return node
}

it('measures every peer over TCP and Noise, from both ends', async () => {
  const [a, b, c] = [await createNode(), await createNode(), await createNode()]
  await Promise.all([a.dial(b.getMultiaddrs()), a.dial(c.getMultiaddrs())])
  await vi.waitFor(() => expect(a.services.health.snapshot()).toHaveLength(2))
  await vi.waitFor(() => expect(b.services.health.get(a.peerId)?.pings).toBeGreaterThan(2))
  for (const health of a.services.health.snapshot()) {
    expect(health).toMatchObject({ isHealthy: true, isLinked: true, availability: 1, failuresInRow: 0 })
    expect(health.latency?.smoothedMs).toBeGreaterThanOrEqual(0)
  }
  expect(a.services.health.network()).toMatchObject({ connectedPeers: 2, partitionRisk: 0 })
  expect(a.getConnections().flatMap(({ streams }) => streams.map(({ protocol }) => protocol)).length).toBeLessThan(10)
})

it(
  'finds a peer unhealthy whose ping handler never answers, closes the dead link, and keeps the other',
  {
    timeout: 30_000,
  },
  async () => {
    // Long enough for a busy machine to answer in time, and for pings to fail before the silence counts.
    const init = { ...FAST, pingDeadlineMs: 300, maxUnseenMs: 5_000 }
    const [a, b, mute] = [await createNode(init), await createNode(), await createMute()]
    const news: string[] = []
    a.services.health.addEventListener('peer:unhealthy', ({ detail }) => {
      if (detail.peer.equals(mute.peerId)) news.push('unhealthy')
    })
    a.services.health.addEventListener('peer:closed', ({ detail }) => {
      if (detail.peer.equals(mute.peerId)) news.push(detail.reason.code)
    })
    await Promise.all([a.dial(b.getMultiaddrs()), a.dial(mute.getMultiaddrs())])
    await vi.waitFor(() => expect(news).toEqual(['unhealthy', 'unseen']), { timeout: 15_000 })
    await vi.waitFor(() => expect(mute.getConnections()).toEqual([]))
    expect(a.getConnections(mute.peerId)).toEqual([])
    expect(a.services.health.get(mute.peerId)).toMatchObject({ isHealthy: false, availability: 0, latency: undefined })
    expect(a.services.health.score(b.peerId)).toBeGreaterThan(50)
  },
)

/** Stands between nodes on loopback, and can keep all to itself. */
async function createFreezer(port: number): Promise<{ port: number; freeze: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const freeze = (): void => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  return { port: (server.address() as AddressInfo).port, freeze }
}

it(
  'closes a link that dies with much on its way, says so, and counts the peer as lost',
  { timeout: 30_000 },
  async () => {
    const init = { ...FAST, pingDeadlineMs: 300, maxUnseenMs: 5_000, closeTimeoutMs: 500 }
    const [a, b, c] = [await createNode(init), await createNode(), await createNode()]
    await c.handle('/sink/1', async (stream) => {
      for await (const _ of stream) continue
    })
    const { port, freeze } = await createFreezer(Number(c.getMultiaddrs()[0]?.getComponents()[1]?.value))
    const through = await a.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${c.peerId.toString()}`))
    await a.dial(b.getMultiaddrs())
    const closed: string[] = []
    a.services.health.addEventListener('peer:closed', ({ detail }) => closed.push(detail.peer.toString()))
    await vi.waitFor(() => expect(a.services.health.snapshot()).toHaveLength(2))

    const stream = await through.newStream('/sink/1')
    freeze()
    for (let sent = 0; sent < 64; sent += 1) stream.send(new Uint8Array(65_536))
    await vi.waitFor(() => expect(closed).toEqual([c.peerId.toString()]), { timeout: 15_000 })
    expect(a.getConnections(c.peerId)).toEqual([])
    expect(a.services.health.network().partitionRisk).toBeGreaterThan(0)
  },
)

it('keeps a peer that speaks no ping', async () => {
  const a = await createNode({ ...FAST, maxUnseenMs: 50 })
  const b = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  nodes.push(b)
  const asked = vi.spyOn(a.services.ping, 'ping')
  await a.dial(b.getMultiaddrs())
  await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(10))
  expect(a.getConnections(b.peerId)).toHaveLength(1)
  expect(a.services.health.score(b.peerId)).toBeUndefined()
})

it('lives through peers that answer pings with other bytes, too many, too early, or a reset', async () => {
  const a = await createNode({ ...FAST, pingDeadlineMs: 50 })
  const answers: ((stream: { send(data: Uint8Array): boolean; abort(err: Error): void }) => void)[] = [
    (stream) => void stream.send(new Uint8Array(32)),
    (stream) => void stream.send(new Uint8Array(4_000)),
    (stream) => stream.abort(new RangeError('reset')),
  ]
  for (const answer of answers) {
    const b = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
    })
    nodes.push(b)
    await b.handle(PING_PROTOCOL, (stream) => answer(stream))
    await a.dial(b.getMultiaddrs())
    await vi.waitFor(() => expect(a.services.health.get(b.peerId)?.isHealthy).toBe(false))
  }
})

it('leaves nothing after stop, measures again after start, and takes its own stop for no partition', async () => {
  let enabled = 0
  const loop: LoopMonitor = {
    mean: 20e6,
    enable: () => void (enabled += 1),
    disable: () => void (enabled -= 1),
    reset: () => {},
  }
  const intervals = vi.spyOn(globalThis, 'setInterval')
  const cleared = vi.spyOn(globalThis, 'clearInterval')
  const [a, b] = [
    await createNode({ ...FAST, sampleIntervalMs: 11, createLoopMonitor: () => loop }),
    await createNode(),
  ]
  const timer = intervals.mock.results[intervals.mock.calls.findIndex(([, ms]) => ms === 11)]?.value
  expect(timer).toBeDefined()
  await a.dial(b.getMultiaddrs())
  await vi.waitFor(() => expect(a.services.health.score(b.peerId)).toBeGreaterThan(50))
  const before = a.services.health.score(b.peerId)
  await a.stop()
  expect(enabled).toBe(0)
  expect(cleared.mock.calls.flat()).toContain(timer)
  expect(a.services.health.snapshot()).toEqual([])
  expect(a.services.health.network().partitionRisk).toBe(0)

  await a.start()
  expect(enabled).toBe(1)
  await a.dial(b.getMultiaddrs())
  await vi.waitFor(() => expect(a.services.health.snapshot()).toHaveLength(1))
  expect(a.services.health.score(b.peerId)).toBeGreaterThanOrEqual(before ?? 100)
  vi.restoreAllMocks()
})

it('holds nothing against a peer where the only ping stream is taken, and warned of that at the start', async () => {
  const errors: string[] = []
  const log = Object.assign(() => {}, {
    error: (format: string) => void errors.push(format),
    trace: () => {},
    enabled: false,
    newScope: () => log,
  })
  const base = {
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  }
  const a = await createLibp2p({
    ...base,
    logger: { forComponent: () => log },
    services: { ping: ping(), health: healthMonitor(FAST) },
  })
  const b = await createLibp2p({ ...base, addresses: { listen: ['/memory/health-monitor'] } })
  nodes.push(a, b)
  await b.handle(PING_PROTOCOL, async (stream) => {
    for await (const _ of stream) continue
  })
  expect(errors.filter((format) => format.startsWith('ping allows'))).toHaveLength(1)

  const connection = await a.dial(multiaddr('/memory/health-monitor'))
  const taken = await connection.newStream(PING_PROTOCOL)
  const asked = vi.spyOn(a.services.ping, 'ping')
  await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(10))
  const failures = await Promise.allSettled(asked.mock.results.map(({ value }) => value))
  expect(failures.map((failure) => failure.status === 'rejected' && failure.reason.name)).toContain(
    'TooManyOutboundProtocolStreamsError',
  )
  taken.abort(new RangeError('over'))
  vi.restoreAllMocks()
})

it('refuses to be part of a node without a ping service', async () => {
  await expect(
    // libp2p types its services one by one, so that a missing one shows at run time only.
    createLibp2p({ start: false, services: { health: healthMonitor() as () => unknown } }),
  ).rejects.toMatchObject({ name: 'UnmetServiceDependenciesError' })
})

it('refuses to start where it, or the ping service, has another name', async () => {
  const unnamed = await createLibp2p({ start: false, services: { monitor: healthMonitor(), ping: ping(WIDE_PING) } })
  await expect(unnamed.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'health' })
  const services = { health: healthMonitor() as () => unknown, echo: ping(WIDE_PING) }
  const mute = await createLibp2p({ start: false, services })
  await expect(mute.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'ping' })
})

it('finds a real event loop late while it is blocked, and less so after', async () => {
  const a = await createNode({ sampleIntervalMs: 60, loopResolutionMs: 10 })
  const { health } = a.services
  await vi.waitFor(
    () => {
      const untilMs = performance.now() + 100
      while (performance.now() < untilMs) continue
      expect(health.lagFactor).toBeGreaterThan(2)
    },
    { interval: 20 },
  )
  const blocked = health.lagFactor
  await vi.waitFor(() => expect(health.lagFactor).toBeLessThan(blocked))
})
