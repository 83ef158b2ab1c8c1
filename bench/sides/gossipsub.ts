// Nodes with `@libp2p/gossipsub` as its documentation sets it up: its defaults, which sign and verify (StrictSign).
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type MakeNode, serveNodes } from './broadcast-host.ts'

const TOPIC = 'bench'

const make: MakeNode = async (onMessage) => {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    // All dials are one host's.
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY, maxIncomingPendingConnections: 1_000 },
    services: {
      identify: identify(),
      // All peers have one address, for which it would shut them out.
      pubsub: gossipsub({ scoreParams: { IPColocationFactorWeight: 0 } }),
    },
  })
  const { pubsub } = libp2p.services
  pubsub.subscribe(TOPIC)
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic === TOPIC) onMessage(detail.data)
  })
  return {
    address: () => String(libp2p.getMultiaddrs()[0]),
    dial: async (address) => void (await libp2p.dial(multiaddr(address))),
    reach: () => pubsub.getSubscribers(TOPIC).length,
    publish: async (message) => void (await pubsub.publish(TOPIC, message)),
    stop: async () => libp2p.stop(),
  }
}

serveNodes(make)
