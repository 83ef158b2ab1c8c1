// One end of the full path of a message: libp2p with every service that a message passes through, as in a whole node.
import { broadcast } from '@gridmesh/broadcast'
import { envelope } from '@gridmesh/envelope'
import { handshake } from '@gridmesh/handshake'
import type { MessageKind } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage, messageRouter } from '@gridmesh/message-router'
import { noise } from '@gridmesh/noise'
import { peerManager } from '@gridmesh/peer-manager'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Arrivals } from '../router-arrivals.ts'
import { serve } from './serve.ts'

const CHAIN = 'bench'
/** Far above what passes, so that the limits are counted and never reached. */
const PLENTY = 1e9

/** Batched where it is broadcast. */
const normal = defineMessage<Uint8Array>({ kind: 'bench-normal', codec: bytesCodec, lane: 'normal' })
/** Never batched: each message is an envelope of its own. */
const high = defineMessage<Uint8Array>({ kind: 'bench-high', codec: bytesCodec, lane: 'high' })

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services: {
    identify: identify(),
    rateLimiter: rateLimiter({ messagesPerSecond: PLENTY, bytesPerSecond: PLENTY, totalMessagesPerSecond: PLENTY }),
    peerManager: peerManager(),
    handshake: handshake({ chainId: CHAIN, genesisHash: '00'.repeat(32), role: 'node', region: 'here' }),
    unicast: unicast({ maxHandlersPerPeer: 256, maxQueuedPerPeer: 1_024 }),
    broadcast: broadcast({ chainId: CHAIN, strategies: { high: 'flood', normal: 'flood' } }),
    envelope: envelope({ chainId: CHAIN }),
    messages: messageRouter(),
  },
})
const { handshake: hello, messages } = node.services
const arrivals = new Arrivals()
for (const kind of [normal, high]) messages.on(kind, () => arrivals.one())
let remote: PeerId | undefined

/** Connects and waits until both sides have agreed. */
async function connect(address: string): Promise<void> {
  const connection = await node.dial(multiaddr(address))
  remote = connection.remotePeer
  await hello.whenReady(remote)
}

/** Sends `count` messages to the peer alone, `inFlight` at a time; done when each has its receipt. */
async function send(count: number, bytes: number, inFlight: number): Promise<void> {
  const peer = remote
  if (peer === undefined) throw new TypeError('connect first')
  await inParallel(count, inFlight, async () => {
    await messages.send(peer, high, payload(bytes))
  })
}

/** Broadcasts `count` messages; done when the peer has acknowledged each. */
async function publish(count: number, bytes: number, inFlight: number, isBatched: boolean): Promise<void> {
  const kind: MessageKind<Uint8Array> = isBatched ? normal : high
  await inParallel(count, inFlight, async () => {
    const delivery = await messages.broadcast(kind, payload(bytes))
    if ((await delivery.confirmed(1)) !== 1) throw new RangeError('nobody has the message')
  })
}

async function inParallel(count: number, inFlight: number, one: () => Promise<void>): Promise<void> {
  let left = count
  const work = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: inFlight }, work))
}

const random = crypto.getRandomValues(new Uint8Array(65_536))
let at = 0

/** Bytes that do not compress, made without being made: a view that moves. */
function payload(bytes: number): Uint8Array {
  at = (at + 7) % (random.byteLength - bytes)
  return random.subarray(at, at + bytes)
}

serve({
  address: () => String(node.getMultiaddrs()[0]),
  connect,
  send,
  publish,
  expect: (count: number) => arrivals.expect(count),
  whenAllHere: () => arrivals.whenAllHere(),
  stop: () => node.stop(),
})
