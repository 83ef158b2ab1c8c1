// A node with the services of `apps/node`, which does nothing but keep its peers.
import { broadcast } from '@gridmesh/broadcast'
import { connectionPool, libp2pLimits } from '@gridmesh/connection-pool'
import { bootstrap, discovery, peerExchange, stored } from '@gridmesh/discovery-coordinator'
import { envelope } from '@gridmesh/envelope'
import { handshake } from '@gridmesh/handshake'
import { healthMonitor } from '@gridmesh/health-monitor'
import { messageRouter } from '@gridmesh/message-router'
import { metrics } from '@gridmesh/metrics'
import { noise } from '@gridmesh/noise'
import { peerManager } from '@gridmesh/peer-manager'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { reconnection } from '@gridmesh/reconnection'
import { shutdown } from '@gridmesh/shutdown'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { CHAIN_ID, GENESIS_HASH, MAX_PEERS, TOPIC } from './idle-network.ts'
import { idleCalls } from './idle-calls.ts'
import { serve } from './serve.ts'

const limits = { maxInbound: MAX_PEERS, exemptLoopback: true }
const pool = connectionPool(limits)
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: pool.gater,
  connectionManager: libp2pLimits(limits),
  // The health monitor does it, as in `apps/node`.
  connectionMonitor: { enabled: false },
  metrics: metrics(),
  services: {
    identify: identify(),
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
    shutdown: shutdown(),
    rateLimiter: rateLimiter(),
    connectionPool: pool.service,
    peerManager: peerManager(),
    // 1,000 peers of one machine come within seconds: more at once than the default takes.
    handshake: handshake({
      chainId: CHAIN_ID,
      genesisHash: GENESIS_HASH,
      role: 'node',
      region: 'here',
      maxHandshakes: MAX_PEERS,
    }),
    unicast: unicast(),
    broadcast: broadcast({ chainId: CHAIN_ID }),
    envelope: envelope({ chainId: CHAIN_ID }),
    messages: messageRouter(),
    health: healthMonitor(),
    reconnection: reconnection(),
    discovery: discovery({ strategies: [stored(), bootstrap([]), peerExchange()] }),
  },
})
node.services.broadcast.subscribe(TOPIC, () => 'accept')

serve(idleCalls(node, () => node.services.peerManager.select().length))
