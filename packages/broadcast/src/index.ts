/**
 * @packageDocumentation
 *
 * Messages to many peers, with a result that says who has them. A message spreads by gossip (gossipsub), by tree
 * (Plumtree, over each link once), by flood (every ready peer, which passes it on) or directed (chosen peers only); the
 * critical lane floods and gossips at once. Whatever way a message comes, a handler gets it at most once, and its verdict decides what goes further. Large
 * payloads are announced only: receivers pull them in chunks, each checked alone, from all who have them.
 *
 * Not for signing: the bytes are opaque, and an envelope inside them must prove who wrote them.
 *
 * @example
 *
 * ```ts
 * import { broadcast } from '@gridmesh/broadcast'
 * import { identify } from '@libp2p/identify'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({
 *   services: { identify: identify(), broadcast: broadcast({ chainId: 'my-chain' }) },
 * })
 * node.services.broadcast.subscribe('orders', (bytes) => (bytes.length > 0 ? 'accept' : 'reject'))
 * const delivery = await node.services.broadcast.publish('orders', new Uint8Array([1, 2, 3]))
 * console.log(delivery.successRate, [...delivery.peers])
 * ```
 */
import type {
  Broadcast,
  BroadcastStrategy,
  ConnectionPool,
  Handshake,
  Lane,
  PeerManager,
  PeerRecord,
  PublishOptions,
  RateLimiter,
  Unicast,
} from '@gridmesh/interfaces'
import type { GossipSub, GossipsubOpts } from '@libp2p/gossipsub'
import type { ComponentLogger, Metrics, PeerId, PeerStore, PrivateKey } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { DefaultBroadcast } from './broadcast.ts'
import type { BroadcastDelivery } from './delivery.ts'

/** The options of gossipsub that are free: the others are what this package promises. */
export type GossipTuning = Partial<
  Omit<
    GossipsubOpts,
    | 'allowPublishToZeroTopicPeers'
    | 'batchPublish'
    | 'dataTransform'
    | 'emitSelf'
    | 'fastMsgIdFn'
    | 'gossipFactor'
    | 'globalSignaturePolicy'
    | 'ignoreDuplicatePublishError'
    | 'msgIdFn'
    | 'msgIdToStrFn'
  >
>

/** Options of `broadcast`. */
export interface BroadcastInit {
  /** Network the topics belong to, as printable ASCII without a slash; nodes of another network share no topic. */
  chainId: string
  /** How the messages of each lane spread. @default gossip, and flood plus gossip for `critical` */
  strategies?: Partial<Record<Lane, BroadcastStrategy>>
  /** Longest payload, in bytes, up to 104_857_600; a longer one is refused here, and blamed on the peer that sends it. @default 2_097_152 */
  maxMessageBytes?: number
  /** Payload above which a message is announced and pulled, in bytes, at least 131_072; the same on all nodes of a network. @default 262_144 */
  pullAboveBytes?: number
  /** Payloads being pulled, those that wait for `maxPullBytes` among them; beyond it one of which nothing comes makes way, or the new one is ignored as `busy`. @default 64 */
  maxPulls?: number
  /** Payloads being pulled that one peer was the first to announce; further ones of it are ignored as `busy`. @default 16 */
  maxPullsPerPeer?: number
  /** Bytes of the payloads being pulled, at least `maxMessageBytes`; further ones wait, the most urgent goes first. @default 134_217_728 */
  maxPullBytes?: number
  /** Chunks of 65_536 bytes asked for and not received, of all peers. @default 128 */
  maxChunksInFlight?: number
  /** Chunks asked for and not received, of one peer, at most: as many as come well before `chunkLateMs`. @default 16 */
  maxChunksInFlightPerPeer?: number
  /** Time a payload may take to come, in ms; then it is given up. @default 120_000 */
  pullDeadlineMs?: number
  /** Time a peer has to answer a request for chunks, in ms; then others are asked. @default 10_000 */
  chunkDeadlineMs?: number
  /** Time after which another peer is asked for the same chunks too, in ms. @default 2_000 */
  chunkLateMs?: number
  /** How long a pull that nobody can serve waits for another peer, keeping what it has, in ms. @default 5_000 */
  sourceWaitMs?: number
  /** Bytes of payloads kept to be pulled from us, at least `maxMessageBytes`; beyond it the oldest goes, or a publish fails. @default 134_217_728 */
  maxRetainedBytes?: number
  /** How long payloads are kept to be pulled from us, in ms. @default 300_000 */
  retainMs?: number
  /** Time over which word of messages to one neighbour of a tree is gathered, in ms, up to 1_000. @default 200 */
  ihaveDelayMs?: number
  /** How long a message that a neighbour of a tree has may still come by itself, in ms; then it is asked for. @default 500 */
  graftAfterMs?: number
  /** Bytes of messages of trees kept to be asked for, room for the longest that is pushed at least; beyond it the oldest goes. @default 33_554_432 */
  maxTreeBytes?: number
  /** How long messages of trees are kept to be asked for, in ms. @default 60_000 */
  treeLifetimeMs?: number
  /** Links that a flooded message may cross, in hops. @default 7 */
  hopLimit?: number
  /** Share of the peers outside a mesh that are told of the messages of the last 3 s with each heartbeat, 0 to 1; six at least. @default 0.5 */
  gossipFactor?: number
  /** Further options of gossipsub: `D`, `heartbeatInterval`, … @default gossipsub's, with `floodPublish` off and `idontwantMinDataSize` at 16_384 */
  gossipsub?: GossipTuning
  /**
   * Makes the router to use instead; it is started and stopped with this service. It gets the options that would
   * have been used: without them neither `seen` nor limits on unwanted topics hold. One that keeps to `asyncValidation`
   * is told what to pass on by `reportMessageValidationResult`, as gossipsub is. @default gossipsub 17
   */
  gossip?(components: BroadcastComponents, options: Partial<GossipsubOpts>): GossipSub
  /** Messages remembered, in ids; beyond it the oldest is forgotten and could be delivered again. @default 10_000 */
  maxIds?: number
  /** How long a message is remembered, in ms. @default 300_000 */
  idLifetimeMs?: number
  /** Sends under way at once; an eighth of them is kept for `critical`, and no peer takes one of the others that has 96, or as many as are free. @default 512 */
  maxConcurrentSends?: number
  /** Sends that wait; beyond it the newest of the least urgent lane, to the peer with most of those, is dropped as `queue-full`. @default 16_384 */
  maxQueuedSends?: number
  /** Time one send may take, in ms; then it is dropped as `timeout`. @default 10_000 */
  sendDeadlineMs?: number
  /** How long a gossip publish waits for a first peer of its topic, and for ready peers that have not subscribed yet, once for each, in ms. @default 2_000 */
  meshWaitMs?: number
  /** Publishes that still learn who has them; beyond it the oldest stops learning. @default 1_024 */
  maxDeliveries?: number
  /** How long a publish learns who has it, in ms. @default 60_000 */
  deliveryLifetimeMs?: number
  /** Peers listed in a delivery before those that were not addressed are left out. @default 1_024 */
  maxPeersPerDelivery?: number
  /** Whether to acknowledge gossip messages to their authors. @default true */
  acks?: boolean
  /** Time over which acknowledgements to one peer are gathered, in ms, at most 1_000; those of `critical` floods are not. @default 20 */
  ackDelayMs?: number
  /** Messages acknowledged by one send, at most 256; a full batch goes at once. @default 256 */
  maxAcksPerBatch?: number
  /** Messages acknowledged to one author per second; further ones are not. @default 1_000 */
  maxAcksPerSecond?: number
  /** Time a handler has for its verdict, in ms; then it is `ignore`. @default 5_000 */
  handlerDeadlineMs?: number
  /** Verdicts that handlers still owe; beyond it messages are ignored as `busy`. An eighth is kept for `critical` topics. @default 4_096 */
  maxPendingVerdicts?: number
  /** Weight of the report for the first peer with an accepted message, as a factor. @default 0.1 */
  usefulWeight?: number
}

/** The part of a peer manager that `broadcast` uses. */
export interface BroadcastPeerManager
  extends
    Pick<PeerManager, 'countTraffic' | 'report' | 'reputation' | 'select'>,
    // Without its events a peer gets its gossip stream when libp2p has identified it, or with the heartbeat after it is ready.
    Partial<Pick<PeerManager, 'addEventListener' | 'removeEventListener'>> {
  readonly peers: { get(peer: string): PeerRecord | undefined; values(): Iterable<PeerRecord> }
}

/** The part of a unicast that `broadcast` uses. */
export type BroadcastUnicast = Pick<Unicast, 'handle' | 'request' | 'send' | 'unhandle'>

/** What `broadcast` uses. The siblings are optional, and read when needed. */
export interface BroadcastComponents {
  connectionManager: ConnectionManager
  logger: ComponentLogger
  peerId: PeerId
  peerStore: PeerStore
  privateKey: PrivateKey
  registrar: Registrar
  metrics?: Pick<Metrics, 'registerCounter' | 'registerCounterGroup' | 'registerHistogram'>
  /** Says which of several connections to a peer is used. Absent: the newest. */
  connectionPool?: Pick<ConnectionPool, 'find'>
  /** Refuses messages of peers it does not hold ready. Absent: every connected peer is ready. */
  handshake?: Pick<Handshake, 'isReady'>
  /** Knows ready peers, answers queries, takes reports. Absent: connected peers are used, and queries throw. */
  peerManager?: BroadcastPeerManager
  /** Charges inbound messages. Absent: they are not limited here. */
  rateLimiter?: Pick<RateLimiter, 'take'>
  /**
   * Carries trees, flood, directed sends, acknowledgements and chunks. Absent: those sends are dropped as `no-unicast`, and
   * what is above `pullAboveBytes` can neither be published nor received.
   */
  unicast?: BroadcastUnicast
}

/** The broadcast service, with what this implementation adds to the contract. */
export interface BroadcastService extends Broadcast {
  /**
   * Publishes to all peers of `topic`. Resolves when the message was handed to the link of each addressed peer, or
   * dropped; acknowledgements come in later. Content that is known already is not gossiped a second time. A payload
   * above `pullAboveBytes` is kept and served, not copied: it must not change for `retainMs`.
   * @throws {RangeError} when `topic` is not printable ASCII; MessageTooLargeError when the payload is too long
   * @throws {RangeError} when there is no such strategy or lane; TypeError when `to` and `strategy` contradict each other
   * @throws {PeerQueryUnavailableError} when `to` is a query and there is no peer manager
   * @throws {PullUnavailableError} when the payload is above `pullAboveBytes` and there is no unicast to pull it by
   * @throws {QueueFullError} when the payload would have to take the place of others that peers may still be pulling
   * @throws {NotStartedError} (libp2p's) while not started
   */
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<BroadcastDelivery>
  /** Peers in the gossip mesh of `topic`; empty where we do not subscribe to it. */
  mesh(topic: string): PeerId[]
  /** Topics we subscribe to on which gossip can reach nobody now, be it that no peer subscribes or that none is linked. */
  unreached(): string[]
}

/** Creates the broadcast as a libp2p service. @throws {RangeError} when an option makes no sense */
export function broadcast(init: BroadcastInit): (components: BroadcastComponents) => BroadcastService {
  return (components) => new DefaultBroadcast(components, init)
}

export { ACK_HANDLER, BROADCAST_HANDLER, CHUNK_HANDLER, TREE_CONTROL_HANDLER, TREE_HANDLER } from './constants.ts'
export type { BroadcastDelivery } from './delivery.ts'
export { MalformedReplyError, MessageRefusedError, PullUnavailableError } from './errors.ts'
export type { FrameFault } from './frame.ts'
export type { RefusalReason } from './refusal.ts'
export { MessageTooLargeError, PeerQueryUnavailableError } from '@gridmesh/interfaces'
