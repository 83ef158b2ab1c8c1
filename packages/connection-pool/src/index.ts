/**
 * @packageDocumentation
 *
 * Who may connect. Slots for inbound, outbound, reserved and test connections, limits by address, eviction of the worst
 * peer when a better one comes, and one budget for all dials. Every refusal names the limit that applied and its value.
 *
 * Not for judging peers: reputation and bans are the peer manager's, and only read here.
 *
 * @example
 *
 * ```ts
 * import { connectionPool, libp2pLimits } from '@gridmesh/connection-pool'
 * import { createLibp2p } from 'libp2p'
 *
 * const limits = { maxInbound: 40, maxOutbound: 10, reservedRoles: { authority: 4 } }
 * const pool = connectionPool(limits)
 * const node = await createLibp2p({
 *   connectionGater: pool.gater,
 *   connectionManager: libp2pLimits(limits),
 *   services: { connectionPool: pool.service },
 * })
 * node.services.connectionPool.addEventListener('pool:refused', ({ detail: { peer, reason } }) => {
 *   node.logger.forComponent('app')('refused %s: %s', peer, reason.message)
 * })
 * ```
 */
import type { ConnectionPool, Discovery, Handshake, PeerManager, Reason } from '@gridmesh/interfaces'
import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  ConnectionGater,
  Libp2pEvents,
  Metrics,
  MultiaddrResolver,
  PeerId,
  TypedEventTarget,
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createPool } from './create-pool.ts'
import type { Departure } from './rooms.ts'
import type { Slot } from './ticket.ts'

/** Options of the pool. */
export interface ConnectionPoolInit {
  /** Inbound connections held at once; a better peer takes the place of the worst, others are refused. @default 50 */
  maxInbound?: number
  /** Outbound connections held at once; as `maxInbound`. @default 50 */
  maxOutbound?: number
  /** Peers with a slot of their own, beside all others: they always get in, unless banned. @default [] */
  reservedPeers?: readonly (PeerId | string)[]
  /** Slots by role, beside all others; while one is free, a peer of that role always gets in. @default {} */
  reservedRoles?: Readonly<Record<string, number>>
  /** Probes under way at once; a further one is refused. @default 1 */
  maxProbes?: number
  /** Refused peers that are told why at once; further ones are just closed. @default 8 */
  maxTurnAways?: number
  /** Inbound connections at once whose peer is not known yet; further ones are refused. @default 64 */
  maxPending?: number
  /** Connections of one IPv4 address or IPv6 /64, reserved ones not counted; further ones are refused. @default 3 */
  maxPerIp?: number
  /** Connections of one IPv4 /24 or IPv6 /48, reserved ones not counted; further ones are refused. @default 10 */
  maxPerNetwork?: number
  /** Connections to one peer, for two that dial each other at once; beyond it the oldest is closed. @default 2 */
  maxConnectionsPerPeer?: number
  /** Inbound connections an IP may try in any second, a network `maxPerNetwork` times that; no more. @default 5 */
  attemptsPerIpPerSecond?: number
  /** IPs whose attempts are counted at once; new ones beyond it are refused for a second. @default 4_096 */
  maxTrackedIps?: number
  /** Loopback addresses are under no limit by address. @default false */
  exemptLoopback?: boolean
  /** Dials at once; further ones wait in the queue. @default 16 */
  maxDials?: number
  /** Dials waiting; a further one fails with a `QueueFullError`. @default 500 */
  maxQueuedDials?: number
  /** Addresses tried in one dial; those named after it is reached are left out. @default 25 */
  maxAddressesPerDial?: number
  /** Time that a dial may take from when it begins, in ms; then it fails with a `TimeoutError`. @default 10_000 */
  dialTimeoutMs?: number
  /** Time that a dial may wait before it begins, in ms; then it fails with a `TimeoutError`. @default 60_000 */
  queueTimeoutMs?: number
  /** Peers with the lowest latencies that are never evicted for a better one. @default 4 */
  protectedByLatency?: number
  /** Peers that were useful most recently and are never evicted for a better one. @default 4 */
  protectedByUse?: number
  /** Regions, the longest held first, of which the best peer is never evicted for a better one. @default 8 */
  protectedRegions?: number
  /** Roles, the longest held first, of which the best peer is never evicted for a better one. @default 8 */
  protectedRoles?: number
  /** Peers up to which nobody has to give way for being idle. @default 8 */
  minPeers?: number
  /** Time without a message after which a peer gives its slot to any of equal reputation, in ms. @default 300_000 */
  idleTimeoutMs?: number
  /** Time between two comparisons with libp2p's own list of connections, in ms. @default 30_000 */
  reconcileIntervalMs?: number
  /** Time a peer may take to say its role while it sits in a slot reserved for one, in ms. @default 15_000 */
  roleTimeoutMs?: number
  /** Time that a goodbye may take before the connection is closed without, in ms. @default 1_000 */
  goodbyeTimeoutMs?: number
  /** Time that closing may take before the connection is aborted, in ms. @default 2_000 */
  closeTimeoutMs?: number
}

/** What the pool needs, and what it uses where it is there. */
export interface ConnectionPoolComponents {
  /** This node: nobody may claim to be it. */
  peerId: PeerId
  /** libp2p's bus, which tells of connections. */
  events: TypedEventTarget<Libp2pEvents>
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'openConnection' | 'closeConnections'>
  logger: ComponentLogger
  /** Without it nothing is measured. */
  metrics?: Pick<Metrics, 'registerCounterGroup' | 'registerMetricGroup'>
  /** Without it nobody is banned, all peers are equally good, and none is idle. */
  peerManager?: PeerManager
  /** Without it nobody is told why, and nobody's role is known. */
  handshake?: Handshake
  /** Without it whoever is turned away hears of nobody else. */
  discovery?: Pick<Discovery, 'referrals'>
}

/** Options of an `acquire`. */
export interface AcquireOptions extends AbortOptions {
  /** Where to dial, where there is no connection yet. @default what the peer store and routing know */
  addresses?: readonly Multiaddr[]
}

/** Somebody was refused. */
export interface PoolRefused {
  /** Who, where that was known by then. */
  readonly peer?: PeerId
  /** From or to where. */
  readonly address?: Multiaddr
  /** Why: the limit is always named, with its value. */
  readonly reason: Reason
}

/** Events of the pool. */
export interface ConnectionPoolEvents {
  /** A connection, or a dial, was refused. */
  'pool:refused': CustomEvent<PoolRefused>
  /** A peer has to go: for one that ranks higher, or for a role it does not have. */
  'pool:evicted': CustomEvent<Departure>
}

/** How much of a limit is used. */
export interface SlotUsage {
  readonly used: number
  readonly limit: number
}

/** How much of each limit is used. Reserved slots count peers, all others connections. */
export type PoolUsage = Readonly<Record<Slot | 'pending', SlotUsage>>

/** The pool as this package builds it: the shared contract, first dials, probes and events. */
export interface ConnectionPoolService extends ConnectionPool, TypedEventTarget<ConnectionPoolEvents> {
  /**
   * An open connection to `peer`, reused or dialled; calls for one peer share one dial.
   * @throws {ConnectionRefusedError} when a limit or a ban is in the way
   * @throws {QueueFullError} when `maxQueuedDials` are waiting
   * @throws {TimeoutError} (libp2p's) when the dial did not begin, or was not done, in time
   * @throws {NotStartedError} (libp2p's) while the node is stopped
   */
  acquire(peer: PeerId, options?: AcquireOptions): Promise<Connection>
  /** The open connection that `acquire` would give, without a dial; `undefined` where there is none, or only a relayed one. */
  find(peer: PeerId): Connection | undefined
  /**
   * Sees whether `peer` answers at one of `addresses` and, where there is a handshake, becomes ready; then disconnects.
   * A peer that was connected before stays so, and is not dialled.
   * @throws what `acquire` throws
   * @throws {HandshakeRejectedError} (the handshake's) when either side refused the other, as one of another network
   */
  probe(peer: PeerId, addresses: readonly Multiaddr[], options?: AbortOptions): Promise<void>
  /**
   * Says goodbye with `reason` to a peer that is ready, and closes every connection to it. Aborting the signal ends the
   * wait, not the parting.
   */
  disconnect(peer: PeerId, reason: Reason, options?: AbortOptions): Promise<void>
  /** How much of each limit is used now. */
  usage(): PoolUsage
}

/** The two ends of one pool. */
export interface ConnectionPoolParts {
  /** For `createLibp2p({ connectionGater })`. */
  readonly gater: ConnectionGater
  /**
   * For `createLibp2p({ services: { connectionPool } })`; its name must be that, or the start fails with a
   * `ServiceNameError`.
   * @throws {TypeError} when a second node is built with it
   */
  readonly service: (components: ConnectionPoolComponents) => ConnectionPoolService
}

/** Options of libp2p's connection manager that keep it out of the pool's way. */
export interface Libp2pLimits {
  maxConnections: number
  maxIncomingPendingConnections: number
  inboundConnectionThreshold: number
  maxParallelDials: number
  /** A third of `dialTimeoutMs`. */
  addressDialTimeout: number
  /** Of `/dnsaddr`, libp2p's own; and of names, of which each becomes four IP addresses at most. */
  resolvers: Record<string, MultiaddrResolver>
}

/**
 * Creates the pool of one node: a connection gater and a service that share one state.
 * @throws {RangeError} when an option is out of range
 * @throws {TypeError} when a reserved peer is no peer id
 */
export function connectionPool(init: ConnectionPoolInit = {}): ConnectionPoolParts {
  return createPool(init)
}

export { ConnectionRefusedError } from './errors.ts'
export { type EvictionCandidate, type Protections, rankForEviction } from './eviction.ts'
export { libp2pLimits } from './libp2p-limits.ts'
export { judge, PRECEDENCE, type PrecedenceRule, type PrecedenceVerdict, type Situation } from './precedence.ts'
export { type PoolReason, REASON_CODES, type ReasonCode } from './reasons.ts'
export type { Departure } from './rooms.ts'
export type { Direction, Slot } from './ticket.ts'
