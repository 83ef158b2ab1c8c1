import { type BroadcastInit, type BroadcastService, broadcast } from '@gridmesh/broadcast'
import {
  type ConnectionPoolInit,
  type ConnectionPoolParts,
  type ConnectionPoolService,
  connectionPool,
} from '@gridmesh/connection-pool'
import { type EnvelopeInit, envelope } from '@gridmesh/envelope'
import { type HandshakeInit, type HandshakeService, handshake } from '@gridmesh/handshake'
import { type HealthMonitorInit, type HealthService, healthMonitor } from '@gridmesh/health-monitor'
import type { Envelope, Unicast } from '@gridmesh/interfaces'
import { type MessageRouter, type MessageRouterInit, messageRouter } from '@gridmesh/message-router'
import { type PeerManagerInit, type PeerManagerService, peerManager } from '@gridmesh/peer-manager'
import { type PeerLimits, type RateLimiterInit, rateLimiter } from '@gridmesh/rate-limiter'
import { type ReconnectionInit, type ReconnectionService, reconnection } from '@gridmesh/reconnection'
import { type UnicastInit, unicast } from '@gridmesh/unicast'
import { type Identify, identify } from '@libp2p/identify'
import { type Ping, ping } from '@libp2p/ping'
import type { ServiceFactoryMap } from 'libp2p'

/** The services of a node of a mesh, by name. */
// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
export type MeshServices = {
  identify: Identify
  ping: Ping
  rateLimiter: PeerLimits
  connectionPool: ConnectionPoolService
  peerManager: PeerManagerService
  handshake: HandshakeService
  unicast: Unicast
  broadcast: BroadcastService
  envelope: Envelope
  messages: MessageRouter
  health: HealthService
  reconnection: ReconnectionService
}

/** What a node of a mesh has otherwise than the others, by module. */
export interface MeshInit {
  limits?: RateLimiterInit
  pool?: ConnectionPoolInit
  peerManager?: PeerManagerInit
  handshake?: Partial<HandshakeInit>
  unicast?: UnicastInit
  broadcast?: Partial<BroadcastInit>
  envelope?: Partial<EnvelopeInit>
  messages?: MessageRouterInit
  health?: HealthMonitorInit
  reconnection?: ReconnectionInit
}

/** Network that the nodes of a mesh are of, unless their handshake says another. */
export const CHAIN = { chainId: 'laws', genesisHash: '00' }

/** What a test does not ask for is no limit to it. */
const PLENTY = 1_000_000

/** Makes the door of a node: all nodes share one address. */
export function makePool(init: MeshInit): ConnectionPoolParts {
  return connectionPool({ exemptLoopback: true, ...init.pool })
}

/** Every module, wired as a whole node has them, on schedules that a test can wait for. */
export function meshServices(init: MeshInit, pool: ConnectionPoolParts): ServiceFactoryMap<MeshServices> {
  return {
    identify: identify(),
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
    rateLimiter: rateLimiter({
      messagesPerSecond: PLENTY,
      bytesPerSecond: 1_000 * PLENTY,
      streamsPerSecond: PLENTY,
      totalMessagesPerSecond: PLENTY,
      ...init.limits,
    }),
    connectionPool: pool.service,
    peerManager: peerManager({ minPeers: 2, ...init.peerManager }),
    handshake: handshake({ ...CHAIN, role: 'member', region: 'centre', ...init.handshake }),
    unicast: unicast(init.unicast),
    broadcast: broadcast({
      chainId: CHAIN.chainId,
      maxMessageBytes: 10 * 2 ** 20,
      gossipsub: { heartbeatInterval: 200 },
      ...init.broadcast,
    }),
    envelope: envelope({ chainId: CHAIN.chainId, ...init.envelope }),
    messages: messageRouter(init.messages),
    // Load is not shed unless a test makes it: the machine may be busy with others.
    health: healthMonitor({ busyDelayMs: 10_000, overloadedDelayMs: 10_000, ...init.health }),
    reconnection: reconnection({
      important: () => true,
      initialDelayMs: 20,
      maxDelayMs: 400,
      laterDelayMs: 40,
      coolDownMs: 200,
      stableMs: 0,
      ...init.reconnection,
    }),
  }
}
