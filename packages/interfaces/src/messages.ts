import type { PeerId } from '@libp2p/interface'
import type { Delivery, PublishOptions, Receipt, UnicastOptions, Verdict } from './carriers.ts'
import type { MaybePromise } from './envelope.ts'
import type { Lane } from './lane.ts'

/** Turns values into bytes and back. `decode` throws on anything that `encode` would not make. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** One kind of message: its name on the wire, shape, lane and size. */
export interface MessageKind<T> {
  /** Lower-case, kebab-case: `energy-order`. */
  readonly kind: string
  readonly codec: Codec<T>
  readonly lane: Lane
  /** Largest encoded value, in bytes. */
  readonly maxBytes: number
  /** Time between two broadcasts of the kind at least, in ms, where the lane is batched; what comes sooner is gathered. */
  readonly paceMs?: number
}

/** A kind that is answered. */
export interface RequestKind<T, R> extends MessageKind<T> {
  readonly reply: Codec<R>
}

/** An outgoing or opened message, without its value. */
export interface MessageMeta {
  /** Author, proved by the signature. */
  readonly sender: PeerId
  /** Rises with every message of the sender in its lane; each lane counts for itself. */
  readonly sequence: bigint
  /** The sender's clock, ms since the epoch. */
  readonly timeMs: number
}

/** What a handler learns beside the value. */
export interface MessageContext extends MessageMeta {
  /** The peer that handed the message to us. */
  readonly from: PeerId
  readonly kind: string
  readonly lane: Lane
  /** The carrier it came by. */
  readonly via: 'broadcast' | 'unicast'
  /** Aborts when the router stops, or the caller of a request gives up. */
  readonly signal: AbortSignal
}

/** How one kind is received. */
export interface MessageHandlerOptions<T> {
  /**
   * Judges before anything is queued or passed on. Cheap, and at once where it can be: what takes its time holds up the
   * message, and the carriers bound how many may wait and for how long. Of a batch no message is passed on before all
   * are judged, and none at all where one is rejected. @default accept
   */
  validate?(value: T, context: MessageContext): MaybePromise<Verdict>
  /**
   * Judges all messages of one broadcast together, in the place of `validate`, which judges what comes alone: cheaper
   * where many come. They have one verdict, and their handlers one place in the queue. Not for requests.
   * @default each is judged by `validate`
   */
  validateBatch?(values: readonly T[], context: MessageContext): MaybePromise<Verdict>
}

/** Typed messages over both carriers. Service name `messages`. */
export interface Messages {
  /** Handles one-way messages of `kind`. Returns the call that ends it. */
  on<T>(
    kind: MessageKind<T>,
    handler: (value: T, context: MessageContext) => void | Promise<void>,
    options?: MessageHandlerOptions<T>,
  ): () => void
  /** Answers requests of `kind`. Returns the call that ends it. */
  respond<T, R>(
    kind: RequestKind<T, R>,
    handler: (value: T, context: MessageContext) => R | Promise<R>,
    options?: MessageHandlerOptions<T>,
  ): () => void
  /** Seals `value` and publishes it to all peers. */
  broadcast<T>(kind: MessageKind<T>, value: T, options?: Omit<PublishOptions, 'lane'>): Promise<Delivery>
  /** Seals `value` and sends it to one peer. */
  send<T>(
    peer: PeerId,
    kind: MessageKind<T>,
    value: T,
    options?: Omit<UnicastOptions, 'lane' | 'renew'>,
  ): Promise<Receipt>
  /** Seals `value`, sends it to one peer and opens the answer. */
  request<T, R>(
    peer: PeerId,
    kind: RequestKind<T, R>,
    value: T,
    options?: Omit<UnicastOptions, 'lane' | 'renew'>,
  ): Promise<R>
  /** Messages that wait for their handlers, by which `health` tells how loaded this node is. @default not told */
  queueDepth?(): number
}
