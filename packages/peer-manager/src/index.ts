/**
 * @packageDocumentation
 *
 * The one registry of peers of a node: where each stands, what it sent, how healthy and how well reputed it is, who is
 * banned, and who is best to ask. Reports of other modules become reputation, disconnects and bans here, and nowhere
 * else; `explain` says in words how it came to that.
 *
 * Not for limits on connections: who may connect is decided by `@gridmesh/connection-pool`.
 *
 * @example
 *
 * ```ts
 * import { banGater, peerManager, type PeerManagerService } from '@gridmesh/peer-manager'
 * import type { Libp2p } from '@libp2p/interface'
 * import { createLibp2p } from 'libp2p'
 *
 * // The gater refers to the node that it is part of, so the type has to be said.
 * const node: Libp2p<{ peerManager: PeerManagerService }> = await createLibp2p({
 *   connectionGater: banGater(() => node.services.peerManager),
 *   services: { peerManager: peerManager({ minPeers: 4 }) },
 * })
 * node.services.peerManager.addEventListener('peer:state', ({ detail: { peer, from, to } }) => {
 *   node.logger.forComponent('app')('%p went from %s to %s', peer, from, to)
 * })
 * ```
 */
import type {
  ConnectionPool,
  Handshake,
  Health,
  PeerManager,
  PeerManagerEvents as SharedPeerManagerEvents,
  PeerReported,
  Topology,
} from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, PeerId, PeerStore, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Map as ImmutableMap } from 'immutable'
import type { Datastore } from 'interface-datastore'
import type { PeerBan } from './ban-keeper.ts'
import type { Candidate } from './candidates.ts'
import { DefaultPeerManager } from './peer-manager.ts'
import type { ManagedPeer } from './record.ts'

/** Options of the peer manager. */
export interface PeerManagerInit {
  /** Ready peers below which nobody is dropped but for a proved offence. @default 8 */
  minPeers?: number
  /** Peers remembered; beyond it the least valuable are forgotten, linked ones never. @default 10_000 */
  maxPeers?: number
  /** Entries in libp2p's peer store; beyond it those of peers that were never ready go first, linked ones never. @default 2_000 */
  maxStoredPeers?: number
  /** Candidates held; beyond it a random one is evicted. @default 1_000 */
  maxCandidates?: number
  /** Addresses kept of one peer; beyond it the oldest are dropped. @default 8 */
  maxAddresses?: number
  /** Longest address that is kept, in characters; longer ones are ignored. @default 256 */
  maxAddressLength?: number
  /** Reports kept of one peer; beyond it the oldest are folded into one summary. @default 64 */
  maxLedgerEntries?: number
  /** Longest evidence or ban reason that is kept, in characters; the rest is cut off. @default 200 */
  maxEvidenceLength?: number
  /** Time in which a reputation, good or bad, fades to half, in ms. @default 600_000 */
  halfLifeMs?: number
  /** Reputation at which a peer is disconnected, in points. @default -20 */
  disconnectReputation?: number
  /** Reputation at which a peer is banned, in points. @default -50 */
  banReputation?: number
  /** Length of a ban that `ban` is given none for, in ms. @default 86_400_000 */
  banMs?: number
  /** Time between two rounds of upkeep: saving, ending bans, comparing with libp2p's connections, in ms. @default 30_000 */
  upkeepIntervalMs?: number
  /** Time that a goodbye may take before the connection is closed without, in ms. @default 1_000 */
  goodbyeTimeoutMs?: number
  /** Time that closing may take before connections are aborted, in ms. @default 5_000 */
  closeTimeoutMs?: number
  /** Time that `whenReady` waits before it gives up with a `TimeoutError`, in ms. @default 30_000 */
  readyTimeoutMs?: number
  /** Time that one read or write of the datastore may take, in ms; reading all peers takes one read for each. @default 10_000 */
  storageTimeoutMs?: number
}

/** What the peer manager needs, and what it uses where it is there. */
export interface PeerManagerComponents {
  /** This node: nothing is kept of it. */
  peerId: PeerId
  /** libp2p's bus, from which all moves of peers are learnt. */
  events: TypedEventTarget<Libp2pEvents>
  /** Says what is open and being dialled, where an event was missed. */
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'getDialQueue' | 'closeConnections'>
  /** Where peers are kept over a restart. */
  datastore: Datastore
  /** Where libp2p keeps what peers say of themselves. It is kept bounded. */
  peerStore: Pick<PeerStore, 'forEach' | 'delete'>
  logger: ComponentLogger
  /** Without it nothing is measured. */
  metrics?: Metrics
  /** Without it nobody hears a goodbye, and connected peers count as links beside ready ones. */
  handshake?: Handshake
  /** Without it libp2p's connection manager closes connections. */
  connectionPool?: ConnectionPool
  /** Without it penalties for slowness are not divided by our own lag. */
  health?: Pick<Health, 'lagFactor'>
  /** Without it all peers are equally near. */
  topology?: Topology
}

/** A report as it was taken here. */
export interface PeerScored extends PeerReported {
  /** What it adds to the reputation at the end of the tick, after weight and our own lag. */
  readonly points: number
}

/** What the peer manager tells. */
export interface PeerManagerEvents extends SharedPeerManagerEvents {
  /** A peer became ready; sent after its `peer:state`. */
  'peer:ready': CustomEvent<ManagedPeer>
  /** A peer was banned, or its ban got a new end. */
  'peer:banned': CustomEvent<PeerBan>
  /** A ban is over, or was lifted. */
  'peer:unbanned': CustomEvent<PeerId>
  /** A module praised or blamed a peer. */
  'peer:report': CustomEvent<PeerScored>
}

/** The peer manager as this package builds it: the shared contract, candidates, dials and events. */
export interface PeerManagerService extends Omit<PeerManager, keyof EventTarget>, TypedEventTarget<PeerManagerEvents> {
  /** A consistent snapshot, keyed by peer id string; reading it brings the traffic counted so far into the records. */
  readonly peers: ImmutableMap<string, ManagedPeer>
  /** The record of one peer, with the traffic counted so far. */
  get(peer: PeerId): ManagedPeer | undefined
  /** Holds a peer for a later dial. Returns `false` for ourselves, banned peers, and peers that are linked already. */
  addCandidate(candidate: Candidate): boolean
  /** The candidates held, in no order that means anything. */
  candidates(): Candidate[]
  /** Called by whoever dials: libp2p does not tell of dials that begin. */
  markConnecting(peer: PeerId): void
  /** Called by whoever dials or calls: the dial or call failed. */
  markFailed(peer: PeerId): void
}

/**
 * Creates the peer manager as a libp2p service; its name must be `peerManager`, or the start fails with a
 * `ServiceNameError`.
 * @throws {RangeError} when an option is out of range
 */
export function peerManager(init: PeerManagerInit = {}): (components: PeerManagerComponents) => PeerManagerService {
  return (components) => new DefaultPeerManager(components, init)
}

export { banGater } from './ban-gater.ts'
export type { PeerBan } from './ban-keeper.ts'
export type { Candidate } from './candidates.ts'
export { CorruptRecordError, IllegalTransitionError, PeerBannedError, UnknownPeerError } from './errors.ts'
export { REPORT_RULES, type ReportRule } from './offences.ts'
export { rankPeers, type RankingContext } from './ranking.ts'
export { type PeerManagerReason, REASON_CODES, type ReasonCode } from './reasons.ts'
export type { ManagedPeer, RemovableField } from './record.ts'
export { PeerRegistry } from './registry.ts'
export { canMove, PEER_STATES, TRANSITIONS } from './transitions.ts'
