import { type BroadcastService, broadcast } from '@gridmesh/broadcast'
import { type ConnectionPoolService, connectionPool, libp2pLimits } from '@gridmesh/connection-pool'
import { type HealthService, healthMonitor } from '@gridmesh/health-monitor'
import type { Hello, RateLimiter, Unicast } from '@gridmesh/interfaces'
import { type PeerManagerService, peerManager } from '@gridmesh/peer-manager'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { unicast } from '@gridmesh/unicast'
import { type Identify, identify } from '@libp2p/identify'
import type { IdentifyResult, Libp2p } from '@libp2p/interface'
import { noise } from '@gridmesh/noise'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

export const CHAIN_ID = 'interop-chain'
export const USER_AGENT = 'our-node/1.0.0'
/** Streams that one connection may have open towards us; above what honest use of all our protocols needs. */
export const MAX_INBOUND_STREAMS = 32
/** Pings that one connection may have open towards us. */
export const MAX_INBOUND_PINGS = 8

// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
type OurServices = {
  identify: Identify
  ping: Ping
  rateLimiter: RateLimiter
  connectionPool: ConnectionPoolService
  peerManager: PeerManagerService
  unicast: Unicast
  broadcast: BroadcastService
  health: HealthService
}

/** libp2p 3 with our packages, as somebody has them who adds them to a node. */
export type OurNode = Libp2p<OurServices>

/** How our node is to be. */
export interface OurNodeInit {
  encryption?: 'noise' | 'tls'
  /** Whether peers become ready once identify is done. @default true */
  isWelcoming?: boolean
  maxInbound?: number
}

/** Starts a node with our packages but the handshake, which no foreign peer speaks. */
export async function startOurNode(init: OurNodeInit = {}): Promise<OurNode> {
  const { encryption = 'noise', isWelcoming = true, maxInbound = 50 } = init
  // All peers are on one address here.
  const limits = { exemptLoopback: true, maxInbound }
  const pool = connectionPool(limits)
  const node = await createLibp2p<OurServices>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encryption === 'tls' ? tls() : noise()],
    streamMuxers: [yamux({ maxInboundStreams: MAX_INBOUND_STREAMS })],
    connectionGater: pool.gater,
    connectionManager: libp2pLimits(limits),
    connectionMonitor: { enabled: false },
    nodeInfo: { name: 'our-node', version: '1.0.0', userAgent: USER_AGENT },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: MAX_INBOUND_PINGS, maxOutboundStreams: MAX_INBOUND_PINGS }),
      rateLimiter: rateLimiter(),
      connectionPool: pool.service,
      peerManager: peerManager(),
      unicast: unicast(),
      broadcast: broadcast({ chainId: CHAIN_ID }),
      health: healthMonitor({ pingIntervalMs: 500, sampleIntervalMs: 100 }),
    },
  })
  if (isWelcoming) node.addEventListener('peer:identify', ({ detail }) => welcome(node, detail))
  return node
}

/** Makes a peer ready, in the place of the handshake that it does not speak. */
export function welcome(node: OurNode, identified: IdentifyResult): void {
  node.services.peerManager.markReady(identified.peerId, helloOf(identified))
}

/** What a peer without a handshake is taken to have said. */
function helloOf({ agentVersion, listenAddrs }: IdentifyResult): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: CHAIN_ID,
    genesisHash: '',
    height: 0,
    tipHash: '',
    role: 'foreign',
    region: '',
    capabilities: [],
    listenAddresses: listenAddrs.map(String),
    userAgent: agentVersion ?? '',
    timeMs: Date.now(),
  }
}
