// Adds one package, @gridmesh/health-monitor, to a plain libp2p node: it finds out which peer answers and which does
// not, how the network is, and when this node has too much to do.
// Run: node examples/health-monitor-alone.ts
import assert from 'node:assert/strict'
import { healthMonitor, type LoadChange } from '@gridmesh/health-monitor'
import { noise } from '@libp2p/noise'
import { PING_PROTOCOL, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // It pings over the same protocol as the monitor, and hangs up where it finds the monitor's stream in its place.
  connectionMonitor: { enabled: false },
})
let queued = 0
const node = await createLibp2p({
  ...base(),
  services: {
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
    // Each second and each half minute by default; faster here, so that the example is over soon.
    health: healthMonitor({
      sampleIntervalMs: 50,
      pingIntervalMs: 100,
      pingDeadlineMs: 300,
      // Load by the queue alone: on a crowded machine timers are late whatever this program does.
      queueDepth: () => queued,
      busyDelayMs: Infinity,
      overloadedDelayMs: Infinity,
    }),
  },
})
const { health } = node.services
const [lively, mute] = await Promise.all([
  createLibp2p({ ...base(), services: { ping: ping({ maxInboundStreams: 8 }) } }),
  createLibp2p(base()),
])
// Takes pings and answers none.
await mute.handle(PING_PROTOCOL, () => {})

const unhealthy = new Promise<string>((resolve) => {
  health.addEventListener('peer:unhealthy', ({ detail }) => resolve(detail.peer.toString()), { once: true })
})
await Promise.all([node.dial(lively.getMultiaddrs()), node.dial(mute.getMultiaddrs())])
assert.equal(await unhealthy, mute.peerId.toString())
for (const { peer, score, pings, availability, latency } of health.snapshot()) {
  const which = peer.equals(mute.peerId) ? 'mute' : 'lively'
  const median = latency === undefined ? 'no round trip' : `${latency.p50Ms.toFixed(2)} ms`
  console.log(`${which}: score ${score.toFixed(0)} after ${pings} pings, availability ${availability}, ${median}`)
}
assert.ok((health.score(lively.peerId) ?? 0) > (health.score(mute.peerId) ?? 100))
console.log(health.network().reasons.join('\n'))

const loaded = new Promise<LoadChange>((resolve) => {
  health.addEventListener('health:load', ({ detail }) => {
    if (detail.to === 'overloaded') resolve(detail)
  })
})
queued = 10_000
const { from, to } = await loaded
console.log(`with ${queued} messages waiting, load went from ${from} to ${to}`)
assert.equal(health.load, 'overloaded')

for (const each of [node, lively, mute]) await each.stop()
