import type { Candidate, DiscoveryNeed } from '@gridmesh/interfaces'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SignedAddresses } from './signed-addresses.ts'

/** A candidate, and whose word for it there is. */
export interface SourcedCandidate extends Candidate {
  /**
   * Address of the connection to the peer that told of it; absent where no peer did. Addresses that nobody there can know
   * are dropped: loopback ones, unless it is one itself, and private ones, unless it is a private or a loopback one.
   */
  source?: Multiaddr
  /** What the peer signed of where it is, in the latest record at hand; what nobody signed does not displace that. */
  record?: SignedAddresses
  /** Where this node has reached it itself, the last time; told by no peer. It is dialled there whatever others say. */
  reached?: Multiaddr
}

/** What a strategy is asked for. */
export interface DiscoverOptions {
  /** Peers that are missing; an entry without conditions stands for peers of any sort. */
  need: readonly DiscoveryNeed[]
  /** Aborts at the deadline and when the coordinator stops. */
  signal: AbortSignal
}

/**
 * One way to find peers: the shared contract, and what may be added to it. `start` and `stop` run with the node; the
 * rest lets a strategy learn from what became of candidates, its own and those of others.
 */
export interface Strategy {
  /** Stable, kebab-case, and its own among the strategies of a node. */
  readonly name: string
  /**
   * Its peers are named in the configuration: they are asked for only below the minimum, never evicted from the
   * candidates, and dialled anew without delay as soon as no peer is left, but for those that did not stay for `stableMs`
   * the last time. @default false
   */
  readonly isFallback?: boolean
  /** Its peers are named in the configuration: what others say of where they are comes after. @default isFallback */
  readonly isConfigured?: boolean
  /** Yields peers until it knows no more, or the signal aborts. */
  discover(options: DiscoverOptions): AsyncIterable<SourcedCandidate>
  /** Another strategy found a candidate. */
  found?(candidate: SourcedCandidate, strategy: string): void
  /** We dialled the peer and it became ready; the address is the one that was dialled. */
  succeeded?(candidate: Candidate): void
  /** A dial to the peer failed, for no reason of our own. */
  failed?(peer: PeerId): void
  /** Signed records of a few peers, for one that has no place here. */
  referrals?(asker: PeerId, signal: AbortSignal): Promise<readonly Uint8Array[]>
  /** A peer that we dialled and that has no place for us told such records, which nobody has checked. */
  referred?(records: readonly Uint8Array[], connection: Connection): void
  /** The peer whose reachability it would most like to know. */
  feeler?(): Candidate | undefined
  start?(): void | Promise<void>
  stop?(): void | Promise<void>
}
