// Nodes of ours. The first argument says how they broadcast: `flood`, `gossip` or `tree`, typed messages in signed
// envelopes that every node verifies, or `plain`, a flood of bytes without signature. A second argument has messages
// gathered, for as many ms.
import { broadcast } from '@gridmesh/broadcast'
import { envelope } from '@gridmesh/envelope'
import type { Broadcast, Messages } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage, messageRouter } from '@gridmesh/message-router'
import { noise } from '@gridmesh/noise'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type BroadcastNode, type MakeNode, serveNodes } from './broadcast-host.ts'

const CHAIN_ID = 'bench'
/** Lanes above `normal` are sent at once, as blocks and votes are; orders, which are `normal`, are gathered. */
const BLOCK = defineMessage({ kind: 'block', codec: bytesCodec, lane: 'high' })
const ORDER = defineMessage({ kind: 'order', codec: bytesCodec, lane: 'normal' })
const [mode = 'gossip', batchDelayMs] = process.argv.slice(2)

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
      unicast: unicast(),
      broadcast: broadcast({ chainId: CHAIN_ID }),
      envelope: envelope({ chainId: CHAIN_ID }),
      messages: messageRouter(batchDelayMs === undefined ? {} : { batchDelayMs: Number(batchDelayMs) }),
    },
  })
  const { broadcast: carrier, messages } = libp2p.services
  const way = mode === 'plain' ? plain(carrier, onMessage) : typed(messages, onMessage)
  return {
    address: () => String(libp2p.getMultiaddrs()[0]),
    dial: async (address) => void (await libp2p.dial(multiaddr(address))),
    reach: () => (mode === 'flood' || mode === 'plain' ? libp2p.getPeers().length : carrier.mesh(way.topic).length),
    publish: way.publish,
    stop: async () => libp2p.stop(),
  }
}

interface Way extends Pick<BroadcastNode, 'publish'> {
  topic: string
}

function plain(carrier: Broadcast, onMessage: (message: Uint8Array) => void): Way {
  carrier.subscribe('plain', (bytes) => {
    onMessage(bytes)
    return 'accept'
  })
  return {
    topic: 'plain',
    publish: async (message) => void (await carrier.publish('plain', message, { strategy: 'flood' })),
  }
}

function typed(messages: Messages, onMessage: (message: Uint8Array) => void): Way {
  const kind = batchDelayMs === undefined ? BLOCK : ORDER
  const strategy = mode === 'flood' || mode === 'tree' ? mode : 'gossip'
  messages.on(kind, onMessage)
  return {
    topic: kind.kind,
    publish: async (message) => void (await messages.broadcast(kind, message, { strategy })),
  }
}

serveNodes(make)
