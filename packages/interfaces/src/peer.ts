import type { AbortOptions, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Map as ImmutableMap } from 'immutable'
import type { Lane } from './lane.ts'
import type { Hello, Reason } from './links.ts'

/** Where a peer stands, from first heard of to gone. */
export type PeerState = 'known' | 'connecting' | 'connected' | 'ready' | 'draining' | 'banned'

/**
 * What a peer is praised or blamed for.
 *
 * - `useful`: was the first to bring something new and valid
 * - `slow`: answered late, or not within the deadline
 * - `absent`: did not have what was asked for; costs nothing
 * - `rate-limited`: sent more than its limit
 * - `protocol-violation`: broke the framing or order of a protocol
 * - `invalid-message`: sent a message that fails its own rules
 * - `invalid-signature`: sent a signature that does not verify
 * - `provable-lie`: signed two things that cannot both be true
 */
export type ReportClass =
  | 'useful'
  | 'slow'
  | 'absent'
  | 'rate-limited'
  | 'protocol-violation'
  | 'invalid-message'
  | 'invalid-signature'
  | 'provable-lie'

/** One thing a module has seen a peer do. */
export interface PeerReport {
  class: ReportClass
  /** Factor on the weight of the class. @default 1 */
  weight?: number
  /** What was seen, in a few words, for `explain`. */
  evidence?: string
}

/** Messages and bytes of one lane. */
export interface Traffic {
  messagesIn: number
  messagesOut: number
  bytesIn: number
  bytesOut: number
}

/** All that is known of a peer. Immutable: a change is a new record. */
export interface PeerRecord {
  readonly id: PeerId
  readonly state: PeerState
  /** Multiaddrs, the newest first. */
  readonly addresses: readonly string[]
  /** Who dialled, while connected. */
  readonly direction?: 'inbound' | 'outbound'
  /** What the peer said of itself, once ready; its lists may be empty once it is gone. */
  readonly hello?: Hello
  /** Height of its chain as last announced. */
  readonly height: number
  readonly firstSeenMs: number
  /** When it last connected, sent anything or answered a ping, ms since the epoch; at first when it was heard of. */
  readonly lastSeenMs: number
  readonly traffic: Readonly<Record<Lane, Readonly<Traffic>>>
  /** Failed dials and calls. */
  readonly failures: number
  /** Smoothed round trip in ms, from the health monitor. */
  readonly latencyMs?: number
  /** Health 0 to 100, from the health monitor. */
  readonly health?: number
  /** Reputation -100 to 100 when the record was made; `PeerManager.reputation` decays it to now. */
  readonly reputation: number
  /** End of the ban, ms since the epoch, while banned. */
  readonly bannedUntilMs?: number
}

/** Which peers are wanted. All given conditions hold together. */
export interface PeerQuery {
  role?: string
  region?: string
  /** The peer has every one of these. */
  capabilities?: readonly string[]
  minHeight?: number
  /** @default all that fit */
  limit?: number
}

/** Counts over the registry. */
export interface PeerStats {
  byState: Readonly<Record<PeerState, number>>
  reports: Readonly<Record<ReportClass, number>>
}

/** A move of a peer from one state to another. */
export interface PeerStateChange {
  readonly peer: PeerId
  readonly from: PeerState
  readonly to: PeerState
  /** Why, where anybody said: of a peer that is parted from, and of a banned one. */
  readonly reason?: Reason
  /** Who parts, where `reason` is that of a parting. */
  readonly by?: 'us' | 'them'
}

/** Why two peers part, and who said so. */
export interface Parting {
  readonly reason: Reason
  readonly by: 'us' | 'them'
}

/** A report that was taken. */
export interface PeerReported {
  readonly peer: PeerId
  readonly report: PeerReport
  /** Reputation with this report, -100 to 100: what holds once the tick is over, if no other report follows in it. */
  readonly reputation: number
}

/** Events that every peer manager sends. */
export interface PeerManagerEvents {
  /** A peer went from one state to another. */
  'peer:state': CustomEvent<PeerStateChange>
  /** A module praised or blamed a peer. */
  'peer:report': CustomEvent<PeerReported>
}

/** The one registry of peers. Service name `peerManager`. */
export interface PeerManager extends Pick<
  TypedEventTarget<PeerManagerEvents>,
  'addEventListener' | 'removeEventListener'
> {
  /** A consistent snapshot: later changes do not show in it. Keyed by peer id string. */
  readonly peers: ImmutableMap<string, PeerRecord>
  get(peer: PeerId): PeerRecord | undefined
  /** Best first: health × reputation × affinity. Only ready peers. */
  select(query?: PeerQuery): PeerRecord[]
  stats(): PeerStats
  /** Reputation decayed to now, -100 to 100; 0 for a stranger. */
  reputation(peer: PeerId): number
  /** Why the peer stands where it stands, one line per entry, newest first. */
  explain(peer: PeerId): string[]
  /** Praises or blames. Never throws and never disconnects before the current tick ends. */
  report(peer: PeerId, report: PeerReport): void
  /** Bans until `durationMs` from now and disconnects. Survives a restart. */
  ban(peer: PeerId, reason: string, durationMs?: number): Promise<void>
  unban(peer: PeerId): Promise<void>
  isBanned(peer: PeerId): boolean
  /** Called by whoever dials: libp2p does not tell of dials that begin. */
  markConnecting(peer: PeerId): void
  /** Called by whoever dials or calls: the dial or call failed. */
  markFailed(peer: PeerId): void
  /** Called by the handshake: both sides agreed. */
  markReady(peer: PeerId, hello: Hello): void
  /** Called by the handshake: the peer said goodbye, or we did, and why. */
  markDraining(peer: PeerId, parting?: Parting): void
  /** Called by the handshake when a peer announces a new status. */
  updateHello(peer: PeerId, hello: Hello): void
  /** Called by the health monitor; with a latency where the peer has just answered. */
  updateHealth(peer: PeerId, health: { score: number; latencyMs?: number }): void
  /** Called by the carriers for each message. */
  countTraffic(peer: PeerId, lane: Lane, direction: 'in' | 'out', bytes: number): void
  /** Says goodbye with `reason` and closes every connection. */
  disconnect(peer: PeerId, reason: Reason, options?: AbortOptions): Promise<void>
  /** Resolves with the record as soon as the peer is ready. */
  whenReady(peer: PeerId, options?: AbortOptions): Promise<PeerRecord>
}
