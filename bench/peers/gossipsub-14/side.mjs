// Nodes with the last `@chainsafe/libp2p-gossipsub`, on libp2p 2, with its defaults, which sign and verify.
import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { serveNodes } from '../../sides/broadcast-host.ts'

const TOPIC = 'bench'

serveNodes(async (onMessage) => {
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
    stop: () => libp2p.stop(),
  }
})
