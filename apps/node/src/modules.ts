import { broadcast } from '@gridmesh/broadcast'
import { envelope } from '@gridmesh/envelope'
import { handshake } from '@gridmesh/handshake'
import type {
  Broadcast,
  Envelope,
  Handshake,
  Messages,
  PeerManager,
  RateLimiter,
  Shutdown,
  Unicast,
} from '@gridmesh/interfaces'
import { messageRouter } from '@gridmesh/message-router'
import { type PeerManagerEvents, peerManager } from '@gridmesh/peer-manager'
import { rateLimiter } from '@gridmesh/rate-limiter'
import { shutdown } from '@gridmesh/shutdown'
import { unicast } from '@gridmesh/unicast'
import { type Identify, identify } from '@libp2p/identify'
import type { Startable, TypedEventTarget } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import type { ServiceFactoryMap } from 'libp2p'
import type { NodeConfig } from './config/schema.ts'
import type { Genesis } from './genesis.ts'
import { latency } from './links/latency.ts'
import { VERSION } from './version.ts'

/** The services of a node, by the name under which the others find them. */
// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
export type NodeServices = {
  identify: Identify
  ping: Ping
  shutdown: Shutdown
  rateLimiter: RateLimiter
  peerManager: PeerManager & TypedEventTarget<Pick<PeerManagerEvents, 'peer:state' | 'peer:ready'>>
  handshake: Handshake
  unicast: Unicast
  broadcast: Broadcast
  envelope: Envelope
  messages: Messages
  latency: Startable
}

/** A factory for each service. Pass another one to `createNode` to replace a module by your own. */
export type NodeModules = ServiceFactoryMap<NodeServices>

/** The modules a node has unless others are given, set up from its configuration. */
export function defaultModules(config: NodeConfig, genesis: Genesis): NodeModules {
  const { limits, p2p, messages } = config
  const { chainId } = genesis
  return {
    identify: identify(),
    ping: ping(),
    shutdown: shutdown({ graceMs: config.shutdownGraceMs }),
    rateLimiter: rateLimiter(limits),
    peerManager: peerManager({ minPeers: p2p.minPeers }),
    handshake: handshake({
      chainId,
      genesisHash: genesis.hash,
      role: config.role,
      region: config.region,
      capabilities: config.capabilities,
      userAgent: `gridmesh/${VERSION}`,
      quota: { messagesPerSecond: limits.messagesPerSecond, bytesPerSecond: limits.bytesPerSecond },
      ...config.handshake,
    }),
    unicast: unicast({ maxMessageBytes: messages.maxBytes }),
    broadcast: broadcast({ chainId, maxMessageBytes: messages.maxBytes, ...config.broadcast }),
    envelope: envelope({ chainId, codec: messages.codec, maxBytes: messages.maxBytes }),
    messages: messageRouter({ batchMs: messages.batchMs, batchBytes: messages.batchBytes }),
    latency: latency(p2p.pingIntervalMs),
  }
}
