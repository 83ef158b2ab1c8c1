/**
 * @packageDocumentation
 *
 * Wins back lost peers: exponential backoff with full jitter, a circuit breaker for each peer, and a judgement of why a
 * peer was lost or could not be reached. Important peers are never given up for being away; others after some tries.
 *
 * Not for finding peers: one that never became ready is not won back, unless it is important.
 *
 * @example
 *
 * ```ts
 * import { reconnection } from '@gridmesh/reconnection'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({
 *   services: { reconnection: reconnection({ important: (peer) => peer.hello?.role === 'authority', maxTries: 5 }) },
 * })
 * node.services.reconnection.addEventListener('reconnection:gave-up', ({ detail }) => {
 *   process.stdout.write(`${detail.peer} is gone: ${detail.reason}\n`)
 * })
 * ```
 */
import type { ConnectionPool, Handshake, PeerManager, PeerRecord, Reconnection } from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, PeerId, PeerStore, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { BreakerChange, BreakerState } from './circuit-breaker.ts'
import { DefaultReconnection } from './default-reconnection.ts'
import type { RetryAction } from './verdicts.ts'

/** Options of the reconnection. */
export interface ReconnectionInit {
  /**
   * Peers to win back for ever, and to dial from the start: by id, or by a rule over the peer manager's records.
   * @default none
   */
  important?: readonly (PeerId | string)[] | ((record: PeerRecord) => boolean)
  /** Addresses of further important peers, each ending in `/p2p/` and the peer id. @default none */
  bootstrap?: readonly (Multiaddr | string)[]
  /** Ceiling of the first delay, in ms. @default 1_000, or `maxDelayMs` if less */
  initialDelayMs?: number
  /** What the ceiling is multiplied by after each delay, 1 or more. @default 2 */
  factor?: number
  /** Cap of all delays, in ms. @default 300_000 */
  maxDelayMs?: number
  /** Least ceiling of the delay after a `retry-later`, in ms. @default 30_000, or `maxDelayMs` if less */
  laterDelayMs?: number
  /** Failures in a row that open a peer's circuit breaker. @default 5 */
  failureThreshold?: number
  /** Time without attempts once it is open, at most `maxDelayMs`, in ms. @default 60_000, or `maxDelayMs` if less */
  coolDownMs?: number
  /** Failures in a row after which a peer that is not important is forgotten. @default 10 */
  maxTries?: number
  /** Time of one attempt, dial and handshake together, in ms; then it has failed. @default 10_000 */
  dialDeadlineMs?: number
  /** Attempts under way at once; further peers wait, important ones the shortest. @default 4 */
  maxConcurrent?: number
  /** Time a peer has to stay for its delays to begin anew at the next loss, in ms. @default 10_000 */
  stableMs?: number
  /** Peers tracked at once; beyond it a random one that is lost and not important is forgotten. @default 1_000 */
  maxPeers?: number
  /** Addresses remembered of one peer; further ones are not. @default 16 */
  maxAddresses?: number
  /** Entries in the history of one peer, and in that of its breaker; the oldest are forgotten. @default 20 */
  maxHistory?: number
}

/** What the reconnection uses of libp2p, and the siblings it asks. */
export interface ReconnectionComponents {
  peerId: PeerId
  events: TypedEventTarget<Libp2pEvents>
  connectionManager: Pick<ConnectionManager, 'openConnection' | 'getConnections'>
  peerStore: Pick<PeerStore, 'get' | 'merge'>
  logger: ComponentLogger
  metrics?: Metrics
  /** Dials; without it libp2p's connection manager does. */
  connectionPool?: Pick<ConnectionPool, 'acquire'>
  /** Says who is ready; without it whoever is connected is. Its event `peer:goodbye` is heard where it has one. */
  handshake?: Pick<Handshake, 'whenReady'>
  /** Knows records, bans and partings of our own; without it nobody is important by rule, banned, or left. */
  peerManager?: Pick<
    PeerManager,
    'get' | 'peers' | 'isBanned' | 'markConnecting' | 'markFailed' | 'addEventListener' | 'removeEventListener'
  >
}

/** Where a tracked peer stands. */
export type PeerStatus = 'connected' | 'waiting' | 'attempting' | 'given-up'

/** One thing that happened to a tracked peer. */
export interface HistoryEntry {
  /** When, in ms since the epoch. */
  readonly atMs: number
  readonly what: 'lost' | 'failed' | 'returned' | 'gave-up'
  /** What was to follow. */
  readonly action: RetryAction
  /** Stable, kebab-case: `refused`, `timed-out`, `shutting-down`, … */
  readonly reason: string
}

/** A tracked peer at one moment. */
export interface PeerReconnection {
  readonly peer: PeerId
  readonly status: PeerStatus
  readonly isImportant: boolean
  /** Failed attempts in a row. */
  readonly failures: number
  /** Attempts since it was lost. */
  readonly attempts: number
  /** Time until the next attempt is due, in ms, while waiting. */
  readonly nextAttemptInMs?: number
  readonly breaker: BreakerState
  /** Newest changes of the breaker, oldest first. */
  readonly breakerHistory: readonly BreakerChange[]
  /** What happened lately, oldest first. */
  readonly history: readonly HistoryEntry[]
}

/** Events of the reconnection. */
export interface ReconnectionEvents {
  /** An attempt begins; `attempt` counts from 1 since the loss. */
  'reconnection:attempt': CustomEvent<{ peer: PeerId; attempt: number; isImportant: boolean }>
  /** A lost peer is back and ready, by our attempts or by its own. */
  'reconnection:success': CustomEvent<{ peer: PeerId; attempts: number; awayMs: number }>
  /** There will be no more attempts, unless the peer comes back by itself. */
  'reconnection:gave-up': CustomEvent<{ peer: PeerId; attempts: number; reason: string }>
}

/** The reconnection service. */
export interface ReconnectionService extends Reconnection, TypedEventTarget<ReconnectionEvents> {
  /** Whether attempts are suspended; so they stay over a restart of the node. */
  readonly isSuspended: boolean
  /** A tracked peer as of now; `undefined` for one that is not tracked. */
  state(peer: PeerId): PeerReconnection | undefined
  /** All tracked peers as of now. */
  peers(): PeerReconnection[]
}

/**
 * Creates the reconnection as a libp2p service; its name among the services is `reconnection`.
 * @throws {RangeError} when a number is out of its range
 * @throws {TypeError} when `important` or `bootstrap` holds what is no peer id or address
 */
export function reconnection(init: ReconnectionInit = {}): (components: ReconnectionComponents) => ReconnectionService {
  return (components) => new DefaultReconnection(components, init)
}

export { Backoff, type BackoffInit } from './backoff.ts'
export { CircuitBreaker, type BreakerChange, type BreakerState, type CircuitBreakerInit } from './circuit-breaker.ts'
export { classify, classifyCode } from './classify.ts'
export { PeerBannedError } from './errors.ts'
export type { RetryAction, Verdict } from './verdicts.ts'
