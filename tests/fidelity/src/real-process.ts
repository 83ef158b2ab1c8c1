// One node over TCP and Noise, in a process of its own, that does what its parent says.
import { performance } from 'node:perf_hooks'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { TOPIC, bytesOf } from './plan.ts'
import { services } from './services.ts'

/** What the parent tells. */
export type ToNode = { type: 'dial'; addresses: string[] } | { type: 'publish'; message: number }
/** What it is told; times are ms since 1970, by the one clock of the machine. */
export type FromNode =
  | { type: 'listening'; port: number; peerId: string }
  | { type: 'dialled' }
  | { type: 'mesh'; size: number }
  | { type: 'load'; share: number }
  | { type: 'published'; message: number; atMs: number }
  | { type: 'arrived'; message: number; atMs: number }
  | { type: 'failed'; error: string }

const HOST = '127.0.0.1'
const MESH_POLL_MS = 20
const LOAD_EVERY_MS = 250

const nowMs = (): number => performance.timeOrigin + performance.now()
// A parent that is gone hears nothing; the node goes with it.
const tell = (message: FromNode): void => void process.send?.(message, () => {})
process.on('disconnect', () => process.exit())

const node = await createLibp2p({
  addresses: { listen: [`/ip4/${HOST}/tcp/0`] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  // All nodes share one address.
  connectionManager: { inboundConnectionThreshold: 1_000 },
  services: { identify: identify(), ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }), ...services() },
})
const { broadcast } = node.services
broadcast.subscribe(TOPIC, ([message = -1]) => {
  tell({ type: 'arrived', message, atMs: nowMs() })
  return 'accept'
})

let meshSize = 0
setInterval(() => {
  const size = broadcast.mesh(TOPIC).length
  if (size !== meshSize) tell({ type: 'mesh', size })
  meshSize = size
}, MESH_POLL_MS)

let utilization = performance.eventLoopUtilization()
setInterval(() => {
  const now = performance.eventLoopUtilization()
  tell({ type: 'load', share: performance.eventLoopUtilization(now, utilization).utilization })
  utilization = now
}, LOAD_EVERY_MS)

async function obey(order: ToNode): Promise<void> {
  if (order.type === 'dial') {
    await Promise.all(order.addresses.map(async (address) => node.dial(multiaddr(address))))
    tell({ type: 'dialled' })
    return
  }
  const { message } = order
  tell({ type: 'published', message, atMs: nowMs() })
  await broadcast.publish(TOPIC, bytesOf(message))
}

process.on('message', (order: ToNode) => {
  obey(order).catch((err: unknown) => tell({ type: 'failed', error: String(err) }))
})
const [address] = node.getMultiaddrs()
const port = Number(address?.getComponents().find(({ name }) => name === 'tcp')?.value)
tell({ type: 'listening', port, peerId: node.peerId.toString() })
