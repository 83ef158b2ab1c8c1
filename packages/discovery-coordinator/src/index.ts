/**
 * @packageDocumentation
 *
 * Keeps a node linked to enough good peers, some of them of its own choice: runs discovery strategies on a schedule,
 * learns how many dials it takes, leaves alone what fails, and begins anew when no peer is left. Strategies for an
 * address book that outlives restarts, bootstrap lists, mDNS, Kademlia, signed peer exchange and static lists are built
 * in; one of your own is one function.
 *
 * Not for lost peers that matter, which reconnection wins back, nor for limits, which the connection pool keeps.
 *
 * @example
 *
 * ```ts
 * import { bootstrap, discovery, peerExchange, stored } from '@gridmesh/discovery-coordinator'
 * import { identify } from '@libp2p/identify'
 * import { createLibp2p } from 'libp2p'
 *
 * const list = ['/dns4/seed.example.org/tcp/9000/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8']
 * const node = await createLibp2p({
 *   services: {
 *     identify: identify(),
 *     discovery: discovery({ minPeers: 4, strategies: [stored(), bootstrap(list), peerExchange()] }),
 *   },
 * })
 * node.services.discovery.addEventListener('discovery:minimum', ({ detail }) => {
 *   node.logger.forComponent('app')('%d of %d peers', detail.ready, detail.minPeers)
 * })
 * ```
 */
import type {
  Candidate,
  ConnectionPool,
  Discovery,
  DiscoveryNeed,
  Handshake,
  PeerManager,
  Topology,
} from '@gridmesh/interfaces'
import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  Libp2pEvents,
  Metrics,
  PeerId,
  PeerRouting,
  PeerStore,
  TypedEventTarget,
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Datastore } from 'interface-datastore'
import { DefaultDiscovery } from './discovery-service.ts'
import type { DiscoveryStats } from './stats.ts'
import type { Strategy } from './strategy.ts'

/** Options of the coordinator. */
export interface DiscoveryInit {
  /** Ways to find peers, each by a name of its own. @default [stored(), peerExchange()] */
  strategies?: readonly (Strategy | StrategyFactory)[]
  /** Ready peers below which a round follows the other quickly. @default 8 */
  minPeers?: number
  /** Ready peers up to which candidates are dialled; beyond it only needed ones stay. @default 30, or `minPeers` if more */
  targetPeers?: number
  /**
   * Ready peers that we dialled, below which rounds follow quickly and candidates are dialled, though peers that dialled
   * us fill the target; at most `targetPeers`. @default 8, or half of `targetPeers` if less
   */
  minOutbound?: number
  /** Peers of certain roles or regions wanted in all; ready ones are subtracted, the topology's needs added. @default none */
  needs?: () => readonly DiscoveryNeed[]
  /** Time between rounds below the minimum, in ms; doubled for each round in a row that brings nothing. @default 1_000 */
  intervalMs?: number
  /** Time between rounds at the target, and the longest there is below the minimum, in ms. @default 30_000 */
  maxIntervalMs?: number
  /** Time that a strategy may take, in ms; late without a candidate counts as a failure. @default 10_000 */
  strategyDeadlineMs?: number
  /** Candidates taken from a strategy in one run; at more the run is ended. @default 1_000 */
  maxCandidatesPerRun?: number
  /** Failures in a row after which a strategy is left alone for a while. @default 3 */
  breakerFailures?: number
  /** How long it is left alone the first time, in ms; doubled each further time up to `maxIntervalMs`. @default 5_000 */
  breakerCoolDownMs?: number
  /** Candidates held; beyond it a random one of the source that has most is evicted. @default 1_000 */
  maxCandidates?: number
  /** Addresses held of a candidate; further ones are dropped. @default 8 */
  maxAddresses?: number
  /** Dials at once; further ones wait for the end of one, or for the next round. @default 8 */
  dialConcurrency?: number
  /** Time that a dial may take, at all hosts of a candidate together, in ms. @default 10_000 */
  dialDeadlineMs?: number
  /** Dials begun in one round. @default 32 */
  maxDialsPerRound?: number
  /** Dials for each missing peer at most, however few succeed. @default 4 */
  maxOvershoot?: number
  /** Time a candidate, and its host, is left alone after the first dial, in ms; doubled for each further one in a row. @default 1_000 */
  backoffBaseMs?: number
  /** Time a candidate, and its host, is left alone at most, in ms. @default 300_000 */
  backoffMaxMs?: number
  /** Candidates, and as many hosts by who told of them, whose dials are remembered; beyond it those dialled longest ago are forgotten. @default 4_096 */
  maxBackoffs?: number
  /** Time a link has to last for its peer's backoff to begin anew, in ms. @default 60_000 */
  stableMs?: number
  /** Time between two tests of an unknown address, in ms; none below the minimum. @default 120_000 */
  feelerIntervalMs?: number
}

/** What the coordinator and the built-in strategies need, and what they use where it is there. */
export interface DiscoveryComponents {
  /** This node: it is no candidate. */
  peerId: PeerId
  /** libp2p's bus, from which links are learnt. */
  events: TypedEventTarget<Libp2pEvents>
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'openConnection'>
  /** Where peer exchange takes its records from. */
  peerStore: Pick<PeerStore, 'forEach' | 'get'>
  /** For `peerExchange`. */
  registrar: Pick<Registrar, 'handle' | 'unhandle'>
  /** For `mdns`. */
  addressManager: AddressManager
  /** For `kademlia`. */
  peerRouting: PeerRouting
  /** For `stored`. */
  datastore: Datastore
  logger: ComponentLogger
  /** Without it nothing is measured. */
  metrics?: Metrics
  /** With a handshake it says who is ready, else every connected peer counts; without it nobody is banned or blamed. */
  peerManager?: Pick<
    PeerManager,
    | 'addEventListener'
    | 'get'
    | 'isBanned'
    | 'markConnecting'
    | 'markFailed'
    | 'removeEventListener'
    | 'report'
    | 'select'
  >
  /** Without it libp2p's connection manager dials, and feelers dial and close. */
  connectionPool?: Pick<ConnectionPool, 'acquire' | 'probe'>
  /** Without it connected peers count as ready. */
  handshake?: Pick<Handshake, 'isReady' | 'whenReady'>
  /** Without it only `needs` are needed. */
  topology?: Pick<Topology, 'needs'>
}

/** Makes a strategy from the components of a node. */
export type StrategyFactory = (components: DiscoveryComponents) => Strategy

/** A candidate that was not held before. */
export interface FoundCandidate {
  readonly candidate: Candidate
  /** Name of the strategy that found it. */
  readonly strategy: string
}

/** Where the count of peers stands against the minimum. */
export interface MinimumChange {
  readonly isMet: boolean
  readonly ready: number
  readonly minPeers: number
}

/** What the coordinator tells. */
export interface DiscoveryEvents {
  /** A strategy found a peer that was no candidate before. */
  'discovery:candidate': CustomEvent<FoundCandidate>
  /** The minimum was reached, or is no longer; the first look tells of a minimum that is not reached yet. */
  'discovery:minimum': CustomEvent<MinimumChange>
  /** No peer is linked any more, or none was at the first look. */
  'discovery:alone': CustomEvent<void>
}

/** The coordinator as this package builds it: the shared contract, statistics and events. */
export interface DiscoveryService extends Discovery, TypedEventTarget<DiscoveryEvents> {
  /**
   * Asks every strategy now, whatever schedule and breakers say; one that is being asked is joined. Resolves with the
   * number of new candidates.
   * @throws {NotStartedError} (libp2p's) when the node is not running
   */
  discoverNow(options?: AbortOptions): Promise<number>
  /**
   * Signed records of at most 8 peers for one that has no place here, chosen at random by the first strategy that has
   * any: `peerExchange`. None while the node is not running.
   */
  referrals(asker: PeerId, options: { signal: AbortSignal }): Promise<readonly Uint8Array[]>
  /** Keeps such records, told by a peer that has no place for us, for the next round, in which they are checked. */
  referred(records: readonly Uint8Array[], connection: Connection): void
  /** A copy of the statistics. */
  stats(): DiscoveryStats
}

/**
 * Creates the coordinator as a libp2p service; its name must be `discovery`, or the start fails with a
 * `ServiceNameError`.
 * @throws {RangeError} when an option is out of range, or two strategies have one name
 */
export function discovery(init: DiscoveryInit = {}): (components: DiscoveryComponents) => DiscoveryService {
  return (components) => new DefaultDiscovery(components, init)
}

export { bootstrap } from './bootstrap.ts'
export type { BreakerState } from './circuit-breaker.ts'
export { PEER_EXCHANGE_PROTOCOL } from './constants.ts'
export {
  AskedTooSoonError,
  CorruptEntryError,
  type ExchangeFault,
  PeerExchangeError,
  PeerNotReadyError,
} from './errors.ts'
export { kademlia, type KademliaComponents, type KademliaInit } from './kademlia.ts'
export { mdns, type MdnsComponents, type MdnsInit } from './mdns.ts'
export { peerExchange, type PeerExchangeComponents, type PeerExchangeInit } from './peer-exchange.ts'
export type { SignedAddresses } from './signed-addresses.ts'
export { staticPeers } from './static-peers.ts'
export type { DiscoveryStats, StrategyStats } from './stats.ts'
export { stored, type StoredComponents, type StoredInit } from './stored.ts'
export type { DiscoverOptions, SourcedCandidate, Strategy } from './strategy.ts'
