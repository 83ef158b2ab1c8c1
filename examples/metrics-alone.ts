// Adds one package, @gridmesh/metrics, to a plain libp2p node: what libp2p counts and what your code measures, scraped
// over HTTP as Prometheus does, and read in place as quantiles.
// Run: node examples/metrics-alone.ts
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { isMetricsService, metrics } from '@gridmesh/metrics'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { ping: ping() },
})
const [node, peer] = await Promise.all([createLibp2p({ ...base(), metrics: metrics() }), createLibp2p(base())])
const service = node.metrics
assert.ok(isMetricsService(service))

const trips = service.registerHistogram('app_round_trip_seconds', { help: 'Round trips of pings' })
for (let sent = 0; sent < 20; sent++) trips.observe((await node.services.ping.ping(peer.getMultiaddrs())) / 1_000)

const { p50, p95, count } = service.quantiles('app_round_trip_seconds') ?? assert.fail('nothing was observed')
console.log(`${count} round trips: half within ${(p50 * 1_000).toFixed(2)} ms, p95 ${(p95 * 1_000).toFixed(2)} ms`)
assert.equal(count, 20)
assert.ok(p50 <= p95)

const server = createServer((_, response) => {
  void service.scrape().then((text) => response.setHeader('content-type', service.contentType).end(text))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = server.address()
assert.ok(address !== null && typeof address === 'object')
const response = await fetch(`http://127.0.0.1:${address.port}/metrics`)
const lines = (await response.text()).split('\n')
console.log(`${lines.length} lines of ${response.headers.get('content-type')}, of which:`)
const shown = lines.filter((line) =>
  /^(libp2p_data_transfer_bytes_total.*ping|app_round_trip_seconds_count)/.test(line),
)
console.log(shown.join('\n'))
// 32 bytes each way for each ping.
assert.ok(shown.some((line) => line.includes('sent') && Number(line.split(' ').at(-1)) >= 20 * 32))
assert.ok(shown.includes('app_round_trip_seconds_count 20'))

server.close()
await node.stop()
await peer.stop()
