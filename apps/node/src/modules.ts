import { broadcast } from '@gridmesh/broadcast'
import type { connectionPool } from '@gridmesh/connection-pool'
import { discovery } from '@gridmesh/discovery-coordinator'
import { envelope } from '@gridmesh/envelope'
import { handshake } from '@gridmesh/handshake'
import { healthMonitor } from '@gridmesh/health-monitor'
import type {
  Broadcast,
  ConnectionPool,
  Discovery,
  Envelope,
  Handshake,
  Health,
  Messages,
  PeerManager,
  RateLimiter,
  Reconnection,
  Shutdown,
  Unicast,
} from '@gridmesh/interfaces'
import { messageRouter } from '@gridmesh/message-router'
import { peerManager } from '@gridmesh/peer-manager'
import { announcedQuota, rateLimiter } from '@gridmesh/rate-limiter'
import { reconnection } from '@gridmesh/reconnection'
import { shutdown } from '@gridmesh/shutdown'
import { unicast } from '@gridmesh/unicast'
import { type Identify, identify } from '@libp2p/identify'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import type { ServiceFactoryMap } from 'libp2p'
import { authoriseRole, authoritiesOfGenesis, type IsAuthority } from './chain-network/authority-role.ts'
import { authoriseByChain, chainCapabilities } from './chain-network/chain-rules.ts'
import type { NodeConfig } from './config/schema.ts'
import type { Genesis } from './genesis.ts'
import { dhtOf, discoveryOptions } from './links/discovery.ts'
import { VERSION } from './version.ts'

/** Time between two writes of the replay floor, in ms: after a kill, a node is deaf to envelopes a second longer. */
const ENVELOPE_FLUSH_MS = 1_000

/** The services of a node, by the name under which the others find them. */
// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
export type NodeServices = {
  identify: Identify
  ping: Ping
  shutdown: Shutdown
  rateLimiter: RateLimiter
  connectionPool: ConnectionPool
  peerManager: PeerManager
  handshake: Handshake
  unicast: Unicast
  broadcast: Broadcast
  envelope: Envelope
  messages: Messages
  health: Health
  reconnection: Reconnection
  discovery: Discovery
}

/** The connection pool: a gater for libp2p and a service that share one state. */
export type Pool = ReturnType<typeof connectionPool>

/** A factory for each service. Pass another one to `createNode` to replace a module by your own. */
export type NodeModules = ServiceFactoryMap<NodeServices>

/**
 * The modules a node has unless others are given, set up from its configuration. Who may say in the handshake that it is
 * an authority is asked of `isAuthority`, by default of the genesis file.
 */
export function defaultModules(
  config: NodeConfig,
  genesis: Genesis,
  pool: Pool,
  isAuthority: IsAuthority = authoritiesOfGenesis(genesis),
): NodeModules {
  const { limits, p2p, messages } = config
  const { chainId } = genesis
  const authoriseByRole = authoriseRole(config, genesis, isAuthority)
  const { strategy, ...tuning } = config.broadcast
  const { initialDelayMs, coolDownMs, ...retries } = config.reconnection
  return {
    identify: identify(),
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
    shutdown: shutdown({ graceMs: config.shutdownGraceMs }),
    rateLimiter: rateLimiter(limits),
    connectionPool: pool.service,
    peerManager: peerManager({ minPeers: p2p.minPeers }),
    handshake: handshake({
      chainId,
      genesisHash: genesis.hash,
      role: config.role,
      region: config.region,
      capabilities: [...config.capabilities, ...chainCapabilities(config.chain)],
      authorise: (hello, peer) => {
        const isOfChain = authoriseByChain(config.chain, hello)
        return isOfChain === true ? authoriseByRole(hello, peer) : isOfChain
      },
      userAgent: `gridmesh/${VERSION}`,
      quota: announcedQuota(limits),
      ...config.handshake,
    }),
    unicast: unicast({ maxMessageBytes: messages.maxBytes }),
    broadcast: broadcast({
      chainId,
      maxMessageBytes: messages.maxBytes,
      strategies: { high: strategy, normal: strategy, bulk: strategy },
      ...tuning,
    }),
    envelope: envelope({
      chainId,
      codec: messages.codec,
      maxBytes: messages.maxBytes,
      flushIntervalMs: ENVELOPE_FLUSH_MS,
    }),
    messages: messageRouter({
      batchDelayMs: messages.batchDelayMs,
      maxBatchBytes: messages.maxBatchBytes,
      maxBatchHoldMs: messages.maxBatchHoldMs,
    }),
    health: healthMonitor({
      pingIntervalMs: p2p.pingIntervalMs,
      authorities: [...genesis.authorities.keys()].map((id) => peerIdFromString(id)),
      ...config.health,
    }),
    // Members are as important as the way in: both are tried for ever.
    reconnection: reconnection({
      bootstrap: [...p2p.bootstrap, ...config.discovery.staticPeers],
      ...retries,
      ...(initialDelayMs !== undefined && { initialDelayMs }),
      ...(coolDownMs !== undefined && { coolDownMs }),
    }),
    ...dhtOf(config, chainId),
    discovery: discovery(discoveryOptions(config, chainId)),
  }
}

/** The modules, some of them replaced. @throws {TypeError} when a name is that of none, which would go without a word */
export function withModules(modules: NodeModules, others: Partial<NodeModules>): NodeModules {
  const unknown = Object.keys(others).find((name) => !Object.hasOwn(modules, name))
  if (unknown === undefined) return { ...modules, ...others }
  throw new TypeError(`A node has no module "${unknown}"; there are ${Object.keys(modules).join(', ')}`)
}
