/**
 * @packageDocumentation
 *
 * Bytes to one peer: one-way messages with a receipt, requests, and streamed requests, as a libp2p service. One kept
 * stream for each peer, lane and direction of asking carries any number of calls at once; a call ends in exactly one
 * of an answer, a typed error, or its deadline.
 *
 * Not for many peers at once, and not for typed messages: the bytes are opaque here.
 *
 * @example
 *
 * ```ts
 * import { unicast } from '@gridmesh/unicast'
 * import type { PeerId } from '@libp2p/interface'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({ services: { unicast: unicast({ maxHandlersPerPeer: 8 }) } })
 * node.services.unicast.handle('shout', (bytes) => new TextEncoder().encode(new TextDecoder().decode(bytes).toUpperCase()))
 *
 * async function shout(peer: PeerId, text: string): Promise<string> {
 *   const question = new TextEncoder().encode(text)
 *   return new TextDecoder().decode(await node.services.unicast.request(peer, 'shout', question, { idempotent: true }))
 * }
 * ```
 */
import type { ConnectionPool, Handshake, PeerManager, RateLimiter, Unicast } from '@gridmesh/interfaces'
import type { ComponentLogger, Libp2pEvents, Metrics, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { DefaultUnicast } from './default-unicast.ts'

/** Options of the service. */
export interface UnicastInit {
  /** Time until a call gives up with a `TimeoutError`, where it says nothing else, in ms. @default 10_000 */
  deadlineMs?: number
  /** Longest deadline a caller may set for our handlers, in ms; beyond it their signal aborts. @default 300_000 */
  maxDeadlineMs?: number
  /**
   * Time that a handler has to end once its signal aborted, in ms; then its slot and its bytes are given away, and what it
   * answers is dropped. @default 5_000
   */
  handlerGraceMs?: number
  /** Time to open a stream, dial and handshake included, in either direction, in ms. @default 10_000 */
  openTimeoutMs?: number
  /** Calls sent and not answered, for each peer and lane; more wait. @default 1_024 */
  maxInFlight?: number
  /** Calls that wait for that or for a stream, for each peer and lane; more are refused with a `QueueFullError`. @default 1_024 */
  maxWaiting?: number
  /** Times an idempotent call is made again. @default 3 */
  retries?: number
  /** Bound of the time before the first retry, in ms; it doubles, and the time is random below it. @default 100 */
  retryBaseMs?: number
  /** Bound that the doubling stops at, in ms. @default 2_000 */
  retryMaxMs?: number
  /** Idempotency keys remembered, of all peers; the peer with the most loses its oldest. @default 10_000 */
  maxKeys?: number
  /** Time an idempotency key is remembered, in ms. @default 600_000 */
  keyTtlMs?: number
  /** Bytes of remembered answers; a call whose answer had to go is refused when repeated. @default 16_777_216 */
  maxAnswerBytes?: number
  /** Handlers running for one peer; `critical` has as many again for itself. @default 32 */
  maxHandlersPerPeer?: number
  /** Handlers running in all; `critical` has as many again for itself. @default 256 */
  maxHandlers?: number
  /** Calls of one peer that wait for a handler; more are refused with a `BusyError`, the least urgent first. @default 128 */
  maxQueuedPerPeer?: number
  /** Calls of all peers that wait for a handler; more are refused with a `BusyError`. @default 1_024 */
  maxQueued?: number
  /** What a refused caller is told to wait, in ms. @default 250 */
  busyRetryAfterMs?: number
  /** Largest payload of a message, in bytes, up to 104_857_600; a larger one is not sent. One that comes is refused where it and its header are 320 bytes over it. @default 10_485_760 */
  maxMessageBytes?: number
  /** Bytes of one peer's calls that run or wait, and of streamed items not taken; calls past it fail, `critical` has as many again. At least `maxMessageBytes`. @default 33_554_432 */
  maxHeldBytesPerPeer?: number
  /** Bytes of one peer's questions of which a part has come, and of its answers as many again; more are refused, `critical` has as many again. Above `maxMessageBytes`; where it is not set, three of the largest messages have room. @default 33_554_432 */
  maxPartialBytesPerPeer?: number
  /** Bytes of all peers' calls that run or wait, and of streamed items not taken; `critical` has as many again. At least `maxMessageBytes`. @default 268_435_456 */
  maxHeldBytes?: number
  /** Bytes of all peers' messages of which a part has come; `critical` has as many again. Above `maxMessageBytes`. @default 268_435_456 */
  maxPartialBytes?: number
  /** Bytes of our own calls that are not over; past it they fail with a `QueueFullError`, `critical` has as many again. At least `maxMessageBytes`. @default 268_435_456 */
  maxAskedBytes?: number
  /** Bytes of answers that a caller has not read, beyond which its next questions are not read either. @default 4_194_304 */
  maxUnreadBytes?: number
  /** Bytes of answers that callers have not read, of all of them; past it the peer with the most loses a stream to one with less, else an answer gives way to an error. `critical` has as many again. Above `maxMessageBytes`. @default 268_435_456 */
  maxUnreadBytesInAll?: number
  /** Bytes of a streamed call that may be on their way, 64 more for each item; at least the default. @default 262_144 */
  streamWindowBytes?: number
  /** Time without a sign of the caller after which a streamed call that waits for it is ended, in ms. @default 60_000 */
  streamIdleMs?: number
}

/** What the service uses. The siblings are optional: without one, what it would do is not done. */
export interface UnicastComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics
  /** Holds streams, in and out, back until the peer is ready. */
  handshake?: Handshake
  /** Charges inbound calls, items, signals of streams and stream opens, and delays outbound ones. */
  rateLimiter?: RateLimiter
  /** Counts traffic, and learns what peers are to be blamed for. */
  peerManager?: PeerManager
  /** Gives connections in the place of the connection manager. */
  connectionPool?: ConnectionPool
}

/** Creates the service. Its place in libp2p's `services` is `unicast`. */
export function unicast(init: UnicastInit = {}): (components: UnicastComponents) => Unicast {
  return (components) => new DefaultUnicast(components, init)
}

export { PROTOCOLS } from './constants.ts'
export * from './errors.ts'
export { REASON_CODES, type ReasonCode } from './reasons.ts'
