/**
 * @packageDocumentation
 *
 * Typed messages over `broadcast` and `unicast`: encoded, signed and batched on the way out; opened, judged, queued
 * by priority and handled on the way in. Every message is accounted for: handled, refused or dropped, and why.
 *
 * Not for streams of data: what does not fit into one message goes through `unicast` and `chunking` directly.
 *
 * @example
 *
 * ```ts
 * import type { Messages } from '@gridmesh/interfaces'
 * import { defineMessage, jsonCodec } from '@gridmesh/message-router'
 *
 * interface Order {
 *   kilowattHours: number
 * }
 *
 * const order = defineMessage<Order>({
 *   kind: 'energy-order',
 *   lane: 'normal',
 *   maxBytes: 4_096,
 *   codec: jsonCodec((value) => {
 *     if (typeof value === 'object' && value != null && 'kilowattHours' in value) {
 *       if (typeof value.kilowattHours === 'number') return { kilowattHours: value.kilowattHours }
 *     }
 *     throw new TypeError('not an order')
 *   }),
 * })
 *
 * export async function trade(messages: Messages): Promise<void> {
 *   messages.on(order, (value, { sender }) => console.info('%s asks for %d kWh', sender, value.kilowattHours))
 *   const delivery = await messages.broadcast(order, { kilowattHours: 12 })
 *   console.info('%d peers have it', await delivery.confirmed(1))
 * }
 * ```
 */
import type { Broadcast, Envelope, Health, Lane, Messages, PeerManager, Unicast } from '@gridmesh/interfaces'
import type { ComponentLogger, Metrics, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { DropReason } from './dispatcher.ts'
import { DefaultMessageRouter } from './message-router.ts'
import type { Policies } from './policies.ts'
import type { KindCounters } from './statistics.ts'

/** Options of the message router. */
export interface MessageRouterInit {
  /** Time that `normal` broadcasts of a kind are gathered into one envelope, in ms; 0 sends each at once. @default 5 */
  batchDelayMs?: number
  /**
   * Time that a batch waits at most for the one before it, in ms, counted from when that was sent. It waits until half of
   * those it was handed to have said that they have it, so that batches grow with the load; with 0 it waits for none of
   * them, and only for the `paceMs` of its kind. @default 200
   */
  maxBatchHoldMs?: number
  /** Bytes of a batch at which it is sent, and above which one of several messages is refused. @default 65_536 */
  maxBatchBytes?: number
  /** Messages of a batch at which it is sent, and above which it is refused. @default 1_024 */
  maxBatchMessages?: number
  /** Batches gathered at once; one more sends the oldest early. @default 256 */
  maxPendingBatches?: number
  /**
   * Messages that wait for their handler, by lane; of a full one the newest of an author that has many in it is dropped.
   * @default { critical: 1_024, high: 4_096, normal: 16_384, bulk: 256 }
   */
  maxQueued?: Partial<Record<Lane, number>>
  /**
   * Bytes of all messages that wait for their handler; over it a message displaces the newest of the lowest lane
   * below its own, then those of the author that holds most in its own, if that is more; else it is dropped.
   * @default 67_108_864
   */
  maxQueuedBytes?: number
  /**
   * Handlers that run at once, by lane; the others wait in the queue.
   * @default { critical: 64, high: 32, normal: 32, bulk: 4 }
   */
  maxRunning?: Partial<Record<Lane, number>>
  /** Time for which handlers are started before the event loop has its turn, in ms. @default 8 */
  sliceMs?: number
  /** Time a handler may take, and a validator, in ms; after it its signal aborts and its place is given away. @default 30_000 */
  handlerTimeoutMs?: number
  /** Envelopes that wait at once for an asynchronous signer, or for a write of the envelope's; beyond it messages are dropped. `critical` has as many for itself. @default 1_024 */
  maxOpening?: number
  /** Largest encoded answer to a request, in bytes; beyond it neither sent nor taken. @default 10_485_760 */
  maxReplyBytes?: number
  /** What a sender is told to wait while this node sheds its lane, in ms. @default 1_000 */
  busyRetryAfterMs?: number
  /** Time to stop: for batches to go out and for queued messages to be handled, in ms. @default 2_000 */
  stopTimeoutMs?: number
  /** Peers with statistics; one more forgets the peer longest silent. @default 4_096 */
  maxTrackedPeers?: number
  /** What follows from a bad message, by error code; a code that is not given keeps its default. @default DEFAULT_POLICIES */
  policies?: Policies
}

/** What the router needs of libp2p and of its siblings. */
export interface MessageRouterComponents {
  peerId: PeerId
  logger: ComponentLogger
  metrics?: Metrics
  envelope: Envelope
  broadcast: Broadcast
  unicast: Unicast
  /** Without it nobody is blamed, and `disconnect` is as `ignore`. */
  peerManager?: PeerManager
  /** Without it no load is shed; the queues are bounded all the same. */
  health?: Pick<Health, 'load'>
}

/** A message that was not handled, though nothing was wrong with it. */
export interface DroppedMessage {
  /** `?` where the message was dropped before it was opened. */
  kind: string
  lane: Lane
  reason: DropReason
}

/** A message that was refused. */
export interface RefusedMessage {
  /** The peer that handed it to us. */
  from: PeerId
  /** `?` where the message was refused before its kind was known. */
  kind: string
  code: string
}

/** Events of the message router. */
export interface MessageRouterEvents {
  /** A message was dropped: no room, no time, or nobody to wait for it any more. */
  'messages:dropped': CustomEvent<DroppedMessage>
  /** A message was refused: its envelope, its form or its value was bad. */
  'messages:refused': CustomEvent<RefusedMessage>
}

/** Counts over all messages. */
export interface MessageStats {
  /** By kind. */
  kinds: KindCounters
  /** By peer id string and kind; `out` counts what was sent to that peer alone. */
  peers: ReadonlyMap<string, KindCounters>
  /** Messages that wait for their handler. */
  queued: Readonly<Record<Lane, number>>
}

/** Typed messages over both carriers. Service name `messages`. */
export interface MessageRouter extends Messages, TypedEventTarget<MessageRouterEvents> {
  /** Copies the counts: later messages do not show in them. */
  stats(): MessageStats
}

/**
 * Creates the message router as a libp2p service.
 * @throws {RangeError} when an option is out of range
 */
export function messageRouter(init: MessageRouterInit = {}): (components: MessageRouterComponents) => MessageRouter {
  return (components) => new DefaultMessageRouter(components, init)
}

export { bytesCodec, jsonCodec } from './codecs.ts'
export type { DropReason } from './dispatcher.ts'
export { InvalidValueError, MessageRejectedError, MessageTooLargeError, NodeBusyError } from './errors.ts'
export { defineMessage, defineRequest, type MessageDefinition, type RequestDefinition } from './kind.ts'
export { DEFAULT_POLICIES, type Policies, type Policy, type PolicyAction } from './policies.ts'
export { REASON_CODES, type ReasonCode, REFUSAL_CODES, type RefusalCode } from './reasons.ts'
export type { KindCounters, MessageCounters } from './statistics.ts'
