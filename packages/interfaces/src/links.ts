import type { AbortOptions, Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerQuery } from './peer.ts'

/**
 * Why a link was refused or ended, told to both sides. An operator reads from it which limit applied,
 * what its value is, and so what to change.
 */
export interface Reason {
  /** Stable, kebab-case: `wrong-chain`, `rate-limited`, `shutting-down`, … */
  code: string
  /** In words, with what came and what was expected. */
  message: string
  /** Name of the limit that applied, as in the configuration. */
  limit?: string
  /** Value of that limit. */
  value?: number
}

/** What two peers tell each other before anything else. */
export interface Hello {
  /** Lowest and highest handshake protocol version spoken. */
  protocol: { min: number; max: number }
  chainId: string
  /** sha256 of the genesis file, hex. */
  genesisHash: string
  /** Height of the newest block, 0 for genesis. */
  height: number
  /** Hash of the newest block, hex. */
  tipHash: string
  role: string
  region: string
  capabilities: readonly string[]
  /** Multiaddrs the peer listens on. */
  listenAddresses: readonly string[]
  /** Name and version of the software. */
  userAgent: string
  /** The peer's clock, ms since the epoch. */
  timeMs: number
  /** What the peer accepts from one other peer; a sender stays within it. */
  quota?: Quota
  /** Opaque proof of membership, for networks that ask for one. */
  credentials?: Uint8Array
}

/** What a node accepts from one peer. */
export interface Quota {
  messagesPerSecond: number
  bytesPerSecond: number
}

/** The part of a Hello that changes while connected. */
export type PeerStatus = Pick<Hello, 'height' | 'tipHash'>

/** Gives signed records of peers, as they go into a referral: envelopes, each around the peer record of its signer. */
export type Referrals = (options: { signal: AbortSignal }) => Promise<readonly Uint8Array[]>

/** Options of a goodbye. */
export interface GoodbyeOptions extends AbortOptions {
  /**
   * Peers that one may try in our place, for a peer that is not ready yet. It is heard first, and hears of them only where
   * nothing else speaks against it. @default none
   */
  referrals?: Referrals
}

/** The handshake. Service name `handshake`. */
export interface Handshake {
  /** What the peer said of itself; `undefined` until both sides are ready. */
  get(peer: PeerId): Hello | undefined
  /** Highest protocol version both sides speak; `undefined` until both sides are ready. */
  version(peer: PeerId): number | undefined
  /** Capabilities both sides have; empty until both sides are ready. */
  capabilities(peer: PeerId): readonly string[]
  isReady(peer: PeerId): boolean
  /**
   * Resolves when both sides are ready. Waits for a handshake under way, and no longer than its deadline.
   * @throws {HandshakeRejectedError} when either side refused
   */
  whenReady(peer: PeerId, options?: AbortOptions): Promise<Hello>
  /** Changes our own status; ready peers are told. */
  setStatus(status: PeerStatus): void
  /** Tells the peer why we part. Resolves when it was read, or could not be; closes no connection. */
  goodbye(peer: PeerId, reason: Reason, options?: GoodbyeOptions): Promise<void>
  /** Refuses whoever is not ready by now as `shutting-down`, until the next start: the first step of a shutdown. */
  refuseNewcomers(): void
}

/** Who may connect. Service name `connectionPool`. */
export interface ConnectionPool {
  /**
   * An open connection to `peer`, reused or dialled; calls for one peer share one dial. Dialled are `addresses`, or where
   * none are given those that the peer store and routing know.
   */
  acquire(peer: PeerId, options?: AbortOptions & { addresses?: readonly Multiaddr[] }): Promise<Connection>
  /**
   * The open connection that `acquire` would give, without a dial. Of two that came of dials from both sides at once, both
   * sides are given the same, and the other may be closed.
   */
  find(peer: PeerId): Connection | undefined
  /**
   * Sees whether `peer` answers at one of `addresses` and, where there is a handshake, becomes ready. Keeps no connection
   * that it made for that.
   */
  probe(peer: PeerId, addresses: readonly Multiaddr[], options?: AbortOptions): Promise<void>
  /** Says goodbye with `reason` and closes every connection to `peer`. */
  disconnect(peer: PeerId, reason: Reason, options?: AbortOptions): Promise<void>
}

/** Peers that are wanted and missing. */
export interface DiscoveryNeed extends PeerQuery {
  /** How many more. */
  count: number
}

/** A peer that was found, and where it says it is. */
export interface Candidate {
  id: PeerId
  addresses: readonly Multiaddr[]
  /** Role it is said to have, where the source knows. */
  role?: string
  /** Region it is said to be in, where the source knows. */
  region?: string
}

/** One way to find peers. A user's own is one function. */
export interface DiscoveryStrategy {
  /** Stable, kebab-case: `bootstrap`, `peer-exchange`, … */
  readonly name: string
  /** Yields peers until it knows no more, or the signal aborts. */
  discover(options: { need: readonly DiscoveryNeed[]; signal: AbortSignal }): AsyncIterable<Candidate>
}

/** Keeps enough good peers. Service name `discovery`. */
export interface Discovery {
  /** Looks for peers now, whatever the schedule says. Resolves with the number of new candidates. */
  discoverNow(options?: AbortOptions): Promise<number>
  /** Signed records of a few peers, for one that has no place here: where it may go instead. */
  referrals?(asker: PeerId, options: { signal: AbortSignal }): Promise<readonly Uint8Array[]>
  /** Takes in such records, unchecked, from a peer that we dialled and that has no place for us. */
  referred?(records: readonly Uint8Array[], connection: Connection): void
}

/** Wins back lost peers. Service name `reconnection`. */
export interface Reconnection {
  /** Stops all attempts, for a sleeping machine or a network change. */
  suspend(): void
  /** Goes on, at once and with fresh schedules. */
  resume(): void
}

/** How the network is, as far as this node sees it. */
export interface NetworkHealth {
  connectedPeers: number
  /** Share of the known authorities that are ready, 0 to 1; `undefined` where none is known. */
  authorityConnectivity: number | undefined
  /** Share of the known peers of a region that are ready, 0 to 1. */
  regionConnectivity: Readonly<Record<string, number>>
  averageLatencyMs: number | undefined
  /** Share of calls and sends that succeeded lately, 0 to 1. */
  messageSuccessRate: number | undefined
  /** Peers that came or went, a minute. */
  churnPerMinute: number
  /** 0, none, to 1: share of expected peers unreachable, disagreement of tips, view overlap. */
  partitionRisk: number
  /** Each figure in words, for people. */
  reasons: readonly string[]
}

/** How loaded this node is; modules shed `bulk` when busy, and `normal` too when overloaded, never `critical`. */
export type LoadLevel = 'normal' | 'busy' | 'overloaded'

/** Measures peers and this node. Service name `health`. */
export interface Health {
  /** Health of a peer, 0 to 100; `undefined` for a peer never measured. */
  score(peer: PeerId): number | undefined
  /** How the network is, newly computed. */
  network(): NetworkHealth
  /** Load of this node. */
  readonly load: LoadLevel
  /** How late our own timers fire: 1 when on time, 1 more for each 20 ms of delay. Time penalties are divided by it. */
  readonly lagFactor: number
}
