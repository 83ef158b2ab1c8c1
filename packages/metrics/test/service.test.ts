import { isStartable, start, stop, TypedEventEmitter, type Libp2pEvents } from '@libp2p/interface'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { register, Registry } from 'prom-client'
import { afterEach, expect, it, vi } from 'vitest'
import { isMetricsService, metrics, type MetricsInit, type MetricsService } from '../src/index.ts'
import { fakeComponents, linesOf } from './components.ts'

const typesOf = (scrape: string): string[] => scrape.split('\n').filter((line) => line.startsWith('# TYPE '))

const running: Libp2p[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (node) => node.stop()))
})

async function tcpNode(init: MetricsInit = {}): Promise<Libp2p & { metrics: MetricsService }> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    metrics: metrics(init),
  })
  running.push(node)
  if (!isMetricsService(node.metrics)) throw new TypeError('the node has other metrics')
  return Object.assign(node, { metrics: node.metrics })
}

it('counts what libp2p and its own watch see of a real connection', async () => {
  const [a, b] = await Promise.all([tcpNode(), tcpNode()])
  await a.dial(b.getMultiaddrs())
  await vi.waitFor(async () => {
    const text = await a.metrics.scrape()
    expect(text).toMatch(/libp2p_data_transfer_bytes_total\{protocol="global sent"\} [1-9]/)
    expect(text).toMatch(/libp2p_data_transfer_bytes_total\{protocol="\/ipfs\/id\/1\.0\.0 received"\} [1-9]/)
  })
  const text = await a.metrics.scrape()

  expect(linesOf(text, 'libp2p_noise_xxhandshake_successes_total')).toEqual([
    'libp2p_noise_xxhandshake_successes_total 1',
  ])
  expect(linesOf(text, 'gridmesh_metrics_peer_churn_total')).toEqual([
    'gridmesh_metrics_peer_churn_total{event="connect"} 1',
  ])
  expect(text).toContain('libp2p_connection_manager_connections')
  expect(text).toContain('gridmesh_metrics_event_loop_lag_seconds_bucket{le="0.001"}')
  expect(linesOf(text, 'gridmesh_metrics_failed_calculations_total')).toEqual([])
})

it('sends all bytes of streams that it counts', async () => {
  const [a, b] = await Promise.all([tcpNode(), tcpNode()])
  const size = 1_000_000
  const { promise, resolve } = Promise.withResolvers<number>()
  await b.handle('/sink/1', async (stream) => {
    let received = 0
    for await (const chunk of stream) received += chunk.byteLength
    resolve(received)
  })
  const stream = await a.dialProtocol(b.getMultiaddrs(), '/sink/1')
  for (let sent = 0; sent < size; sent += 50_000) {
    if (!stream.send(new Uint8Array(50_000))) await stream.onDrain()
  }
  await stream.close()

  expect(await promise).toBe(size)
  const text = await b.metrics.scrape()
  expect(linesOf(text, 'libp2p_data_transfer_bytes_total').join('\n')).toContain(`protocol="/sink/1 received"} ${size}`)
})

it('keeps two nodes of one process apart, and out of the global registry', async () => {
  const [a, b] = await Promise.all([tcpNode(), tcpNode()])
  a.metrics.registerCounter('app_total').increment(1)
  b.metrics.registerCounter('app_total').increment(5)

  expect(linesOf(await a.metrics.scrape(), 'app_total')).toEqual(['app_total 1'])
  expect(linesOf(await b.metrics.scrape(), 'app_total')).toEqual(['app_total 5'])
  expect(register.getMetricsAsArray()).toEqual([])
})

it('names everything that @libp2p/prometheus-metrics names', async () => {
  const registry = new Registry()
  const theirs = await createLibp2p({
    addresses: { listen: ['/memory/a'] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    metrics: prometheusMetrics({ registry, collectDefaultMetrics: false, preserveExistingMetrics: true }),
  })
  running.push(theirs)
  const ours = await createLibp2p({
    addresses: { listen: ['/memory/b'] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    metrics: metrics(),
  })
  running.push(ours)
  await ours.dial(multiaddr('/memory/a'))
  const text = isMetricsService(ours.metrics) ? await ours.metrics.scrape() : ''

  expect(typesOf(await registry.metrics()).length).toBeGreaterThan(10)
  expect(typesOf(text)).toEqual(expect.arrayContaining(typesOf(await registry.metrics())))
})

it('leaves no listener after stop, starts again, and still tells what it counted', async () => {
  const { components, events } = fakeComponents()
  const service = metrics({ measureProcess: false })(components)
  const listeners = (): number => events.listenerCount('peer:connect') + events.listenerCount('peer:disconnect')
  const connect = (): boolean => events.safeDispatchEvent('peer:connect')

  expect(isStartable(service)).toBe(true)
  expect(listeners()).toBe(0)
  await start(service)
  await start(service)
  connect()
  expect(listeners()).toBe(2)

  await stop(service)
  await stop(service)
  connect()
  expect(listeners()).toBe(0)

  await start(service)
  connect()
  expect(linesOf(await service.scrape(), 'gridmesh_metrics_peer_churn_total')).toEqual([
    'gridmesh_metrics_peer_churn_total{event="connect"} 2',
  ])
  await stop(service)
})

it('takes its listeners off a real node and survives a restart of it', async () => {
  const seen: unknown[] = []
  const node = await createLibp2p({
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    start: false,
    metrics: (components) => {
      seen.push(components.events)
      return metrics()(components)
    },
  })
  running.push(node)
  const events = seen[0] instanceof TypedEventEmitter ? (seen[0] as TypedEventEmitter<Libp2pEvents>) : undefined
  const listeners = (): number | undefined => events?.listenerCount('peer:connect')
  const before = listeners()

  await node.start()
  expect(listeners()).toBeGreaterThan(before ?? 0)
  await node.stop()
  expect(listeners()).toBe(before)
  await node.start()
  expect(isMetricsService(node.metrics) && (await node.metrics.scrape())).toContain('gridmesh_metrics_peer_churn')
})

it('samples the event loop while it runs', async () => {
  const service = metrics({ measureProcess: false, eventLoopResolutionMs: 1 })(fakeComponents().components)
  expect(service.quantiles('gridmesh_metrics_event_loop_lag_seconds')).toBeUndefined()
  await start(service)
  await vi.waitFor(() => expect(service.quantiles('gridmesh_metrics_event_loop_lag_seconds')?.count).toBeGreaterThan(3))
  await stop(service)

  expect(service.quantiles('gridmesh_metrics_event_loop_lag_seconds')?.p99).toBeGreaterThanOrEqual(0)
})

it('tells its own service from other metrics', async () => {
  expect(isMetricsService(undefined)).toBe(false)
  const registry = new Registry()
  const init = { registry, collectDefaultMetrics: false, preserveExistingMetrics: true }
  expect(isMetricsService(prometheusMetrics(init)(fakeComponents().components))).toBe(false)
})
