// What a user would start from: libp2p with gossipsub, identify and ping, as their documentation sets them up.
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { idleCalls } from './idle-calls.ts'
import { MAX_PEERS, TOPIC } from './idle-network.ts'
import { serve } from './serve.ts'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // All peers are of one machine, and come at once.
  connectionManager: {
    maxConnections: MAX_PEERS,
    inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
    maxIncomingPendingConnections: MAX_PEERS,
  },
  services: {
    identify: identify(),
    ping: ping(),
    // More than ten of one address are taken for one, and not listened to.
    pubsub: gossipsub({ scoreParams: { IPColocationFactorWhitelist: new Set(['127.0.0.1']) } }),
  },
})
node.services.pubsub.subscribe(TOPIC)

serve(idleCalls(node, () => node.services.pubsub.getSubscribers(TOPIC).length))
