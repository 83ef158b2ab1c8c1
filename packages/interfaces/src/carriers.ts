import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { MaybePromise } from './envelope.ts'
import type { Lane } from './lane.ts'
import type { PeerQuery } from './peer.ts'

/**
 * What a receiver thinks of a message.
 *
 * - `accept`: valid; deliver it and pass it on
 * - `ignore`: not wanted, nobody's fault; neither deliver nor pass on
 * - `reject`: invalid; as `ignore`, and the peer that brought it pays for it
 */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** Options of a call that sends to one peer. */
export interface UnicastOptions extends AbortOptions {
  /** Lane to send in. @default 'normal' */
  lane?: Lane
  /** Time until the call gives up with a `TimeoutError`, in ms. @default 10_000 */
  deadlineMs?: number
  /**
   * The receiver may be asked again: after a failure of the link the call is repeated under the same idempotency
   * key, and the receiver runs the handler at most once for it. @default false
   */
  idempotent?: boolean
  /**
   * Gives the bytes for the next attempt of an idempotent call of which nothing was done yet: because the receiver says
   * when to come again, or was not reached. Not called once an attempt may have run. @default the same bytes
   */
  renew?: () => MaybePromise<Uint8Array>
}

/** Who sent the bytes that a unicast handler is given, and how. */
export interface UnicastContext {
  /** The remote peer, authenticated by the connection. */
  peer: PeerId
  /** The lane the bytes came in. */
  lane: Lane
  /** Aborts when the caller gives up, the link fails, or the deadline passes. */
  signal: AbortSignal
}

/** Takes a one-way message or answers a request. What it throws reaches the caller as code and message. */
export type UnicastHandler = (
  bytes: Uint8Array,
  context: UnicastContext,
) => Uint8Array | void | Promise<Uint8Array | void>

/** Answers a stream of requests with a stream of responses. */
export type UnicastStreamHandler = (
  source: AsyncIterable<Uint8Array>,
  context: UnicastContext,
) => AsyncIterable<Uint8Array>

/** How a unicast handler is called and answered. */
export interface HandleOptions {
  /**
   * Time that the receipt of a one-way message may wait, so that several go back together, in ms, up to 1_000. Those
   * of `critical` messages do not, nor do those of callers whose deadline is not ten times as long. @default 0
   */
  receiptDelayMs?: number
}

/** Proof that the remote handler took a message. */
export interface Receipt {
  /** The peer that took it. */
  peer: PeerId
  /** From the call to the receipt, in ms. */
  roundTripMs: number
  /** Sends it took; 1 unless the message was idempotent and the link failed. */
  attempts: number
}

/** What became of calls since the node was made. Those whose caller gave up count as neither. */
export interface CallOutcomes {
  /** The peer answered, if only with an error of its handler. */
  readonly answered: number
  /** No answer came: refused, timed out, lost or never sent. */
  readonly failed: number
}

/** Carries opaque bytes to one peer. Service name `unicast`. */
export interface Unicast {
  /** Answers messages and requests sent to `name`. @throws {RangeError} when `name` already has a handler */
  handle(name: string, handler: UnicastHandler, options?: HandleOptions): void
  /** Answers streamed requests sent to `name`. @throws {RangeError} when `name` already has a handler */
  handleStream(name: string, handler: UnicastStreamHandler): void
  /** Removes the handler of `name`, of either sort. */
  unhandle(name: string): void
  /** Resolves when the handler of `name` at `peer` has taken the bytes. */
  send(peer: PeerId, name: string, bytes: Uint8Array, options?: UnicastOptions): Promise<Receipt>
  /** Resolves with the answer of the handler of `name` at `peer`. */
  request(peer: PeerId, name: string, bytes: Uint8Array, options?: UnicastOptions): Promise<Uint8Array>
  /** Streams bytes to the handler of `name` at `peer` and its answers back; either side may slow the other down. */
  requestStream(
    peer: PeerId,
    name: string,
    source: AsyncIterable<Uint8Array>,
    options?: UnicastOptions,
  ): AsyncIterable<Uint8Array>
  /** Counts calls that are not streamed, each try once; `health` tells their success rate by it. @default not told */
  outcomes?(): CallOutcomes
}

/**
 * How a message spreads.
 *
 * - `gossip`: through the mesh of its topic
 * - `flood`: to every ready peer, which pass it on while hops are left
 * - `tree`: along a tree within the mesh of its topic; the other links only tell of it, and carry it where the tree breaks
 * - `directed`: to the given peers only
 */
export type BroadcastStrategy = 'gossip' | 'flood' | 'tree' | 'directed'

/** Options of one publish. */
export interface PublishOptions extends AbortOptions {
  /** Lane to send in; `critical` floods and gossips at once. @default 'normal' */
  lane?: Lane
  /** How to spread it. @default the strategy of the lane */
  strategy?: BroadcastStrategy
  /** The peers of a `directed` publish: ids, or a query that the peer manager answers. */
  to?: PeerId[] | PeerQuery
}

/**
 * What is known of one addressed peer.
 *
 * - `sent`: handed to the link
 * - `dropped`: not sent, and why
 * - `acknowledged`: the peer said that it has the message
 * - `seen`: the peer sent us the message itself, so it has it
 */
export type DeliveryOutcome = { status: 'sent' | 'acknowledged' | 'seen' } | { status: 'dropped'; reason: string }

/** What became of one publish. It goes on learning after `publish` returned. */
export interface Delivery {
  /** Content-derived id of the message, hex. */
  readonly id: string
  /** Outcome by peer id string; each addressed peer has exactly one. */
  readonly peers: ReadonlyMap<string, DeliveryOutcome>
  /** Share of addressed peers that were not dropped, 0 to 1; 1 when no peer was addressed. */
  readonly successRate: number
  /**
   * Resolves with the number of peers known to have the message as soon as that is at least `k`.
   * @throws {TimeoutError} (libp2p's) when the confirmations did not come within the delivery's lifetime
   */
  confirmed(k: number, options?: AbortOptions): Promise<number>
}

/** Where a broadcast message came from. */
export interface BroadcastContext {
  /** The peer that handed it to us: not necessarily its author. */
  from: PeerId
  /** Topic it was published on, without the network prefix. */
  topic: string
  /** Content-derived id, hex. */
  id: string
  /** The way it reached us. */
  via: BroadcastStrategy
}

/** What a broadcast handler answers: its verdict, or `busy` where it has no room to judge: the next copy is judged anew. */
export type BroadcastAnswer = Verdict | 'busy'

/**
 * Judges and takes a broadcast message. It must return at once; work belongs in a queue. The bytes are those that are
 * passed on to others: it does not write into them.
 */
export type BroadcastHandler = (
  bytes: Uint8Array,
  context: BroadcastContext,
) => BroadcastAnswer | Promise<BroadcastAnswer>

/** How the messages of a topic are taken. */
export interface SubscribeOptions {
  /**
   * Lane of the topic: messages may claim a lower one, and no higher one. What a peer brings on `critical` topics is not
   * refused for what else it brings. @default 'normal'
   */
  lane?: Lane
}

/** Carries opaque bytes to many peers. Service name `broadcast`. */
export interface Broadcast {
  /** Takes the messages of `topic`. Returns the call that ends it. @throws {RangeError} when `topic` is taken */
  subscribe(topic: string, handler: BroadcastHandler, options?: SubscribeOptions): () => void
  /**
   * Publishes to all peers of `topic`. No peer at all is a result, not an error.
   * @throws {MessageTooLargeError} when `bytes` are more than may be published
   * @throws {PeerQueryUnavailableError} when `to` is a query and nobody answers it
   */
  publish(topic: string, bytes: Uint8Array, options?: PublishOptions): Promise<Delivery>
}
