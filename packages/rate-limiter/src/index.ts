/**
 * @packageDocumentation
 *
 * Limits how many messages, bytes and streams each peer may send, and keeps what we send within the quota that the
 * other side announced. As a libp2p service, or by the plain classes `TrafficLimiter` and `OutboundPacer`.
 *
 * Not for connections: how many there may be, and how often, is the connection pool's concern.
 *
 * @example
 *
 * ```ts
 * import { rateLimiter } from '@gridmesh/rate-limiter'
 * import { createLibp2p } from 'libp2p'
 *
 * const limits = rateLimiter({ messagesPerSecond: 50, protocols: { '/blocks/1': { messagesPerSecond: 5 } } })
 * const node = await createLibp2p({ services: { rateLimiter: limits } })
 * const verdict = node.services.rateLimiter.take(node.peerId, '/blocks/1', { messages: 1, bytes: 4_096 })
 * if (!verdict.ok) await new Promise((resolve) => setTimeout(resolve, verdict.retryAfterMs))
 * await node.stop()
 * ```
 */
import type { Handshake, PeerManager, RateLimiter } from '@gridmesh/interfaces'
import type { ComponentLogger, Metrics, PeerId, TypedEventTarget } from '@libp2p/interface'
import { PeerRateLimiter } from './peer-rate-limiter.ts'

/** The limits on one peer and one protocol. Rates and bursts are finite and above 0; what is not set is inherited. */
export interface TrafficLimitsInit {
  /** Messages regained each second. A message over the limit is refused. @default 100 */
  messagesPerSecond?: number
  /** Messages at once; a single cost above it passes when nothing is owed. @default twice `messagesPerSecond` */
  messagesBurst?: number
  /** Bytes regained each second. A message over the limit is refused. @default 5_242_880 */
  bytesPerSecond?: number
  /** Bytes at once; a single cost above it passes when nothing is owed. @default twice `bytesPerSecond` */
  bytesBurst?: number
  /** Stream opens regained each second. A stream over the limit is refused. @default 20 */
  streamsPerSecond?: number
  /** Stream opens at once; a single cost above it passes when nothing is owed. @default twice `streamsPerSecond` */
  streamsBurst?: number
}

/** Options of the inbound side. */
export interface TrafficLimiterInit extends TrafficLimitsInit {
  /** Messages regained each second by all peers and protocols together; more are refused. `critical` has as many for itself. @default 10_000 */
  totalMessagesPerSecond?: number
  /** Messages of all peers at once; a single cost above it never passes. @default twice `totalMessagesPerSecond` */
  totalMessagesBurst?: number
  /** Other limits for some protocols, by protocol id; what one leaves out holds as above. @default {} */
  protocols?: Readonly<Record<string, TrafficLimitsInit>>
  /** Pairs of peer and protocol held at once; a new one beyond it is refused. @default 65_536 */
  maxKeys?: number
}

/** Options of the outbound side. */
export interface OutboundPacerInit {
  /** Share of an announced quota that may be sent at once, in ms of its rate. @default 1_000 */
  outboundBurstMs?: number
  /** Sends waiting for one peer; the next, or one less urgent, is refused with a `QueueFullError`. `critical` has as many for itself. @default 1_024 */
  maxWaitersPerPeer?: number
  /** Time a send waits before it fails with a `TimeoutError`, in ms. @default 30_000 */
  maxWaitMs?: number
  /** Peers with recent sends held at once; a send to another one fails with a `QueueFullError`. @default 65_536 */
  maxKeys?: number
}

/** Options of the service. */
export interface RateLimiterInit extends TrafficLimiterInit, OutboundPacerInit {
  /** Time between two sweeps that forget idle keys, in ms. @default 10_000 */
  sweepIntervalMs?: number
}

/** What the service uses. */
export interface PeerLimitsComponents {
  logger: ComponentLogger
  metrics?: Pick<Metrics, 'registerCounterGroup' | 'registerMetric'>
  /** Blamed peers are reported here; without it nobody is. */
  peerManager?: Pick<PeerManager, 'report'>
  /** Knows the quota each peer announced; without it every send is allowed at once. */
  handshake?: Pick<Handshake, 'get'>
}

/** What was refused, of whom, and why. */
export interface PeerLimitDetail {
  peer: PeerId
  protocol: string
  /** Name of the option that applied. */
  limit: string
  /** Its value. */
  value: number
}

/** The events of the service. */
export interface PeerLimitsEvents {
  /** Inbound traffic of a peer was refused. */
  'peer:limit': CustomEvent<PeerLimitDetail>
}

/** The service: the `RateLimiter` of `@gridmesh/interfaces`, with events. */
export interface PeerLimits extends RateLimiter, TypedEventTarget<PeerLimitsEvents> {}

/**
 * Creates the limiter as a libp2p service; its name must be `rateLimiter`, or the start fails with a `ServiceNameError`.
 *
 * @throws {RangeError} when an option is not a finite number above 0, or a count is not whole
 */
export function rateLimiter(init: RateLimiterInit = {}): (components: PeerLimitsComponents) => PeerLimits {
  return (components) => new PeerRateLimiter(components, init)
}

export { announcedQuota } from './limits.ts'
export { OutboundPacer } from './outbound-pacer.ts'
export { TrafficLimiter } from './traffic-limiter.ts'
