/**
 * @packageDocumentation
 *
 * Measures peers, the network and this node: pings with round trips and availability, a health score for each peer,
 * the state of the network with reasons in words, and the load of this node, by which other modules shed work.
 *
 * Not for judging peers: what follows from bad health is decided by `@gridmesh/peer-manager`. Only a link on which
 * nothing has come for minutes is closed here.
 *
 * @example
 *
 * ```ts
 * import { healthMonitor } from '@gridmesh/health-monitor'
 * import { ping } from '@libp2p/ping'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({
 *   connectionMonitor: { enabled: false },
 *   services: { ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }), health: healthMonitor() },
 * })
 * const { health } = node.services
 * health.addEventListener('health:load', ({ detail: { from, to } }) => {
 *   node.logger.forComponent('app')('load went from %s to %s', from, to)
 * })
 * node.logger.forComponent('app')('%s', health.network().reasons.join('\n'))
 * ```
 */
import type { Health, LoadLevel, Messages, PeerManager, Reason, Unicast } from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Ping } from '@libp2p/ping'
import { HealthMonitor } from './health-monitor.ts'

/** How a score moves. All numbers are points from 0 to 100. */
export interface HealthScoreInit {
  /** Score of a peer before its first ping, in points. @default 50 */
  initialScore?: number
  /** Points that an answered ping adds. @default 5 */
  successPoints?: number
  /** Points that an unanswered ping takes; after a deadline divided by our own lag. @default 10 */
  failurePoints?: number
  /** Score below which a peer becomes unhealthy, in points. @default 30 */
  unhealthyBelow?: number
  /** Score from which an unhealthy peer is healthy again, in points; at least `unhealthyBelow`. @default 50 */
  healthyFrom?: number
}

/** When this node counts as loaded. A threshold of `Infinity` is never reached. */
export interface LoadMeterInit {
  /** Average delay of timers from which the node is busy, in ms. @default 20 */
  busyDelayMs?: number
  /** Average delay of timers from which the node is overloaded, in ms; at least `busyDelayMs`. @default 100 */
  overloadedDelayMs?: number
  /** Messages waiting from which the node is busy. @default 1_024 */
  busyQueueDepth?: number
  /** Messages waiting from which the node is overloaded; at least `busyQueueDepth`. @default 8_192 */
  overloadedQueueDepth?: number
  /** Share of a threshold that a sample must be below to count as calm, above 0 to 1. @default 0.5 */
  calmShare?: number
  /** Calm samples in a row until the level falls, and samples until it may turn back; 2 or more. @default 3 */
  holdSamples?: number
}

/** Options of the health monitor. */
export interface HealthMonitorInit extends HealthScoreInit, LoadMeterInit {
  /** Time between two pings of a peer, in ms; each comes up to a tenth earlier. @default 30_000 */
  pingIntervalMs?: number
  /** Time after which a ping counts as unanswered, in ms. @default 10_000 */
  pingDeadlineMs?: number
  /** Pings under way at once; further ones wait, the longest due first. @default 16 */
  maxParallelPings?: number
  /** Time without an answer or a message after which the next unanswered ping closes the link, in ms. @default 300_000 */
  maxUnseenMs?: number
  /** Time that closing a link may take before its connections are aborted, in ms. @default 5_000 */
  closeTimeoutMs?: number
  /** Round trips of a peer that percentiles are over; beyond it the oldest are dropped. @default 128 */
  latencyWindow?: number
  /** Pings of a peer that `history` tells; beyond it the oldest are dropped. @default 64 */
  historySize?: number
  /** Time that availability looks back, in ms. @default 3_600_000 */
  availabilityWindowMs?: number
  /** Time that churn looks back, in ms. @default 300_000 */
  churnWindowMs?: number
  /** Time that the success rate of calls looks back, in ms. @default 300_000 */
  successWindowMs?: number
  /** Time that a peer lost without a goodbye counts as expected and unreachable, in ms; where others came in its place, as long as it was ready at most. @default 3_600_000 */
  lostPeerMs?: number
  /** Peers held; beyond it those gone the longest are forgotten, and while all are linked new ones are not measured. @default 10_000 */
  maxPeers?: number
  /** Regions that `network` tells apart; beyond it those with the fewest peers are left out. @default 64 */
  maxRegions?: number
  /** Roles whose ready or once ready peers are authorities. @default ['authority'] */
  authorityRoles?: readonly string[]
  /** Peers that are authorities whatever their role, and even if never seen. @default [] */
  authorities?: readonly PeerId[]
  /** Time between two looks at load and at due pings, in ms. @default 1_000 */
  sampleIntervalMs?: number
  /** Time between the timers by which the delay of the event loop is measured, in whole ms; each wakes the process. @default 100 */
  loopResolutionMs?: number
  /** Tells the messages that wait in the queues of this node. @default what `messages` tells */
  queueDepth?: () => number | undefined
  /** Tells the share of calls and sends that succeeded lately, 0 to 1. @default by the calls that `unicast` counts */
  successRate?: () => number | undefined
  /** Tells the share of the peers of our peers that we know too, 0 to 1. @default none: not measured */
  viewOverlap?: () => number | undefined
  /** Creates the monitor of the event loop, for simulated time. @default `monitorEventLoopDelay` of `node:perf_hooks` */
  createLoopMonitor?: (resolutionMs: number) => LoopMonitor
}

/** What is used of the `IntervalHistogram` of Node.js. */
export interface LoopMonitor {
  /** Average time from one timer to the next, in ns; `NaN` where there was none. */
  readonly mean: number
  enable(): void
  disable(): void
  reset(): void
}

/** What the health monitor needs, and what it uses where it is there. */
export interface HealthMonitorComponents {
  /** This node: it is not expected among the authorities. */
  peerId: PeerId
  events: TypedEventTarget<Libp2pEvents>
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'closeConnections'>
  /** libp2p's ping, with room for two streams or more: `ping({ maxInboundStreams: 8, maxOutboundStreams: 8 })`. */
  ping: Ping
  logger: ComponentLogger
  /** Without it nobody is warned of a ping service with too few streams. */
  registrar?: Pick<Registrar, 'getHandler'>
  /** Without it nothing is counted. */
  metrics?: Pick<Metrics, 'registerCounter' | 'registerCounterGroup' | 'registerHistogram' | 'registerMetric'>
  /** Without it all connected peers are measured, nobody is reported, and roles, regions and tips are unknown. */
  peerManager?: Pick<
    PeerManager,
    'addEventListener' | 'disconnect' | 'get' | 'peers' | 'removeEventListener' | 'report' | 'select' | 'updateHealth'
  >
  /** Without it, or where it does not tell, messages that wait are no part of the load. */
  messages?: Pick<Messages, 'queueDepth'>
  /** Without it, or where it does not tell, the success rate is not measured. */
  unicast?: Pick<Unicast, 'outcomes'>
}

/** Round trips of one peer, in ms. */
export interface LatencySummary {
  readonly lastMs: number
  /** Smoothed as in RFC 6298. */
  readonly smoothedMs: number
  /** Smoothed deviation, RFC 6298's RTTVAR: half the round trip after the first sample. */
  readonly jitterMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** Round trips that the percentiles are over. */
  readonly samples: number
}

/** One ping that was answered, or was not. */
export interface PingRecord {
  /** When it ended, ms since the epoch. */
  readonly atMs: number
  /** Round trip in ms, where it was answered. */
  readonly latencyMs: number | undefined
  /** Name of the error, where it was not. */
  readonly failure: string | undefined
  /** Score after it. */
  readonly score: number
}

/** All that was measured of one peer. */
export interface PeerHealth {
  readonly peer: PeerId
  /** 0 to 100. */
  readonly score: number
  /** False from below `unhealthyBelow` until `healthyFrom`. */
  readonly isHealthy: boolean
  /** It is being measured; what is gone is remembered. */
  readonly isLinked: boolean
  /** `undefined` where no ping was answered yet. */
  readonly latency: LatencySummary | undefined
  /** Share of pings of the last `availabilityWindowMs` that were answered, 0 to 1; `undefined` where there was none. */
  readonly availability: number | undefined
  /** Pings answered and unanswered since it is held. */
  readonly pings: number
  /** Unanswered pings since the last answer. */
  readonly failuresInRow: number
  /** Time since the last answer, message or connect, in ms. */
  readonly unseenMs: number
}

/** Averages over the linked and measured peers; `undefined` where there is none. */
export interface HealthAverages {
  readonly peers: number
  readonly score: number | undefined
  readonly latencyMs: number | undefined
  readonly availability: number | undefined
}

/** One look at the load of this node. */
export interface LoadSample {
  /** How late timers fired, on average, in ms. */
  delayMs: number
  /** Messages waiting. @default 0 */
  queueDepth?: number
}

/** How many of how many. */
export interface ReadyShare {
  readonly ready: number
  readonly known: number
}

/** What the risk of a partition is read from, each 0 to 1. What is `undefined` is not measured. */
export interface PartitionSigns {
  /** Share of the expected peers that cannot be reached. */
  unreachableShare?: number | undefined
  /** Share of comparable tips outside the largest camp. */
  tipDisagreement?: number | undefined
  /** Share of the peers of our peers that we know too. */
  viewOverlap?: number | undefined
}

/** The network as this node sees it. */
export interface NetworkView {
  readonly connectedPeers: number
  readonly authorities: ReadyShare
  readonly regions: ReadonlyMap<string, ReadyShare>
  /** Ready peers, authorities, and peers lost without a goodbye; and how many of them are not ready and healthy. */
  readonly expected: { readonly peers: number; readonly unreachable: number }
  /** Tips of peers at the same height, and how many are outside the largest camp of theirs. */
  readonly tips: { readonly compared: number; readonly dissenting: number }
  /** Smoothed round trip of each measured peer. */
  readonly latenciesMs: readonly number[]
  readonly successRate: number | undefined
  readonly viewOverlap: number | undefined
  readonly churnPerMinute: number
}

/** A peer whose health changed. */
export interface PeerHealthChange {
  readonly peer: PeerId
  readonly score: number
}

/** A link that was closed. */
export interface PeerClosed {
  readonly peer: PeerId
  readonly reason: Reason
}

/** A change of our own load. */
export interface LoadChange {
  readonly from: LoadLevel
  readonly to: LoadLevel
}

/** What the health monitor tells. */
export interface HealthEvents {
  /** The score of a peer fell below `unhealthyBelow`. */
  'peer:unhealthy': CustomEvent<PeerHealthChange>
  /** An unhealthy peer is back at `healthyFrom`. */
  'peer:healthy': CustomEvent<PeerHealthChange>
  /** The link to a peer was closed, for nothing had come from it. */
  'peer:closed': CustomEvent<PeerClosed>
  /** The load of this node changed. */
  'health:load': CustomEvent<LoadChange>
}

/** The health monitor as this package builds it: the shared contract, what was measured in detail, and events. */
export interface HealthService extends Health, TypedEventTarget<HealthEvents> {
  /** What was measured of a peer; `undefined` for a peer never measured. */
  get(peer: PeerId): PeerHealth | undefined
  /** The latest pings of a peer, oldest first; empty for a peer never measured. */
  history(peer: PeerId): readonly PingRecord[]
  /** The linked and measured peers, the healthiest first; of equal score the nearest first. */
  snapshot(): readonly PeerHealth[]
  /** Averages over the peers of `snapshot`. */
  averages(): HealthAverages
  /** Forgets what was measured of a peer; a linked one is measured anew. Returns whether there was anything. */
  reset(peer: PeerId): boolean
}

/**
 * Creates the health monitor as a libp2p service; its name must be `health`, and a ping service must be named `ping`,
 * or the start fails with a `ServiceNameError`.
 * @throws {RangeError} when an option is out of range
 */
export function healthMonitor(init: HealthMonitorInit = {}): (components: HealthMonitorComponents) => HealthService {
  return (components) => new HealthMonitor(components, init)
}

export { Availability } from './availability.ts'
export { HealthScore, type HealthChange } from './health-score.ts'
export { LatencyStats } from './latency-stats.ts'
export { LoadMeter } from './load-meter.ts'
export { networkHealth } from './network-health.ts'
export { partitionRisk } from './partition-risk.ts'
export { type HealthReason, REASON_CODES, type ReasonCode } from './reasons.ts'
