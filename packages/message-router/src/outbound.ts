import type {
  Broadcast,
  Delivery,
  Envelope,
  Lane,
  MaybePromise,
  MessageKind,
  PublishOptions,
  Receipt,
  RequestKind,
  Unicast,
  UnicastOptions,
} from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { Batcher } from './batcher.ts'
import type { BatcherInit, Flight } from './batcher.ts'
import { batchKey } from './batch-key.ts'
import { MESSAGE_HANDLER, REPLY_OVERHEAD_BYTES, REPLY_SUFFIX, REQUEST_HANDLER } from './constants.ts'
import { MessageRejectedError, MessageTooLargeError } from './errors.ts'
import { InOrder } from './in-order.ts'
import { assertKind } from './kind.ts'
import type { Ledger } from './ledger.ts'
import { isPending } from './maybe.ts'
import { decodeValue } from './registry.ts'
import { decodeReply, digestOf, encodeBatch, sameBytes } from './wire.ts'

/** What outbound messages pass through. */
export interface OutboundInit extends BatcherInit {
  envelope: Envelope
  broadcast: Broadcast
  unicast: Unicast
  ledger: Ledger
  maxReplyBytes: number
  /** Aborts when the router has stopped. */
  stopped: AbortSignal
}

/** What all messages of one publish have in common. */
interface Shared {
  kind: string
  lane: Lane
  paceMs?: number | undefined
  options: Omit<PublishOptions, 'lane'>
}

/** Encodes, batches, seals and hands to the carriers. */
export class Outbound {
  readonly #init: OutboundInit
  readonly #batcher: Batcher<Shared, Delivery>
  readonly #publishing = new Set<Promise<unknown>>()
  /** With an asynchronous signer a message must not overtake another of its kind. */
  readonly #inOrder = new InOrder()
  #isBatching = true

  constructor(init: OutboundInit) {
    this.#init = init
    this.#batcher = new Batcher(init, (shared, messages) => this.#flight(shared, messages))
  }

  async broadcast<T>(kind: MessageKind<T>, value: T, options: Omit<PublishOptions, 'lane'>): Promise<Delivery> {
    const bytes = encodeValue(kind, value)
    const { signal, ...rest } = options
    signal?.throwIfAborted()

    if (!this.#isBatching || kind.lane !== 'normal' || this.#init.batchDelayMs === 0) {
      return this.#publish({ kind: kind.kind, lane: kind.lane, options }, [bytes])
    }
    return this.#batcher.add(
      batchKey(kind.kind, rest),
      { kind: kind.kind, lane: kind.lane, paceMs: kind.paceMs, options: rest },
      bytes,
      signal,
    )
  }

  async send<T>(
    peer: PeerId,
    kind: MessageKind<T>,
    value: T,
    options: Omit<UnicastOptions, 'lane' | 'renew'>,
  ): Promise<Receipt> {
    const { lane } = kind
    const renew = this.#sealer(peer, kind, value)
    const receipt = await this.#init.unicast.send(peer, MESSAGE_HANDLER, await renew(), { ...options, lane, renew })
    this.#init.ledger.sent(kind.kind, 1, peer)
    return receipt
  }

  async request<T, R>(
    peer: PeerId,
    kind: RequestKind<T, R>,
    value: T,
    options: Omit<UnicastOptions, 'lane' | 'renew'>,
  ): Promise<R> {
    const { unicast, ledger } = this.#init
    const { lane } = kind
    const seal = this.#sealer(peer, kind, value)
    let sealed = await seal()
    const renew = async (): Promise<Uint8Array> => (sealed = await seal())
    const answer = await unicast.request(peer, REQUEST_HANDLER, sealed, { ...options, lane, renew })
    ledger.sent(kind.kind, 1, peer)
    try {
      return await this.#openReply(peer, kind, sealed, answer)
    } catch (err) {
      ledger.refused({ from: peer, kind: kind.kind, via: 'unicast' }, err)
      throw err
    }
  }

  /** Sends what waits, and from now on everything at once. Resolves when all of it was handed over. */
  async flush(): Promise<void> {
    this.#isBatching = false
    this.#batcher.flush()
    await Promise.allSettled(this.#publishing)
  }

  /** Seals a message for one peer, each time anew: what was opened over there is a replay under its first seal. */
  #sealer<T>(peer: PeerId, kind: MessageKind<T>, value: T): () => MaybePromise<Uint8Array> {
    const payload = encodeBatch([encodeValue(kind, value)], peer.toMultihash().bytes)
    return () => this.#init.envelope.seal({ kind: kind.kind, lane: kind.lane, payload })
  }

  async #openReply<R>(
    peer: PeerId,
    kind: Pick<RequestKind<unknown, R>, 'kind' | 'reply'>,
    request: Uint8Array,
    answer: Uint8Array,
  ): Promise<R> {
    const { envelope, maxReplyBytes } = this.#init
    const name = kind.kind + REPLY_SUFFIX
    const maxBytes = (): number => maxReplyBytes + REPLY_OVERHEAD_BYTES
    const opened = await envelope.open(answer, { sender: peer, isKnownKind: (known) => known === name, maxBytes })
    const reply = decodeReply(name, opened.payload)
    // An honest answer to an earlier request is signed just as well.
    if (!sameBytes(reply.request, digestOf(request))) {
      throw new MessageRejectedError('wrong-reply', name, 'it answers another request')
    }
    if (reply.message.byteLength > maxReplyBytes) {
      throw new MessageTooLargeError(name, reply.message.byteLength, maxReplyBytes, 'maxReplyBytes')
    }
    return decodeValue(name, kind.reply, reply.message)
  }

  #flight(shared: Shared, messages: Uint8Array[]): Flight<Delivery> {
    const sent = this.#publish(shared, messages)
    return { sent, landed: sent.then(landed), paceMs: shared.paceMs ?? 0 }
  }

  async #publish(shared: Shared, messages: Uint8Array[]): Promise<Delivery> {
    const publishing = this.#sealAndPublish(shared, messages)
    this.#publishing.add(publishing)
    try {
      const delivery = await publishing
      this.#init.ledger.sent(shared.kind, messages.length)
      return delivery
    } finally {
      this.#publishing.delete(publishing)
    }
  }

  /** Not async: with a synchronous signer the bytes are with the carrier before this returns. */
  #sealAndPublish({ kind, lane, options }: Shared, messages: Uint8Array[]): Promise<Delivery> {
    const { broadcast, envelope, stopped } = this.#init
    const signal = options.signal == null ? stopped : AbortSignal.any([options.signal, stopped])
    const publish = (bytes: Uint8Array): Promise<Delivery> =>
      broadcast.publish(kind, bytes, { ...options, signal, lane })

    const sealed = envelope.seal({ kind, lane, payload: encodeBatch(messages) })
    const ready = this.#inOrder.pass(kind, sealed)
    return isPending(ready) ? ready.then(publish) : publish(ready)
  }
}

/**
 * Resolves when half of the peers that a message was handed to have it. All of them would have everybody wait for one
 * that is stuck, and the first says little of the rest. Where nobody was reached there is nothing to wait for.
 */
async function landed(delivery: Delivery): Promise<unknown> {
  let handed = 0
  for (const { status } of delivery.peers.values()) if (status !== 'dropped') handed++
  return handed === 0 ? undefined : delivery.confirmed(Math.ceil(handed / 2))
}

/** Encodes `value`. @throws {MessageTooLargeError} @throws {RangeError} when the kind cannot be used */
function encodeValue<T>(kind: MessageKind<T>, value: T): Uint8Array {
  assertKind(kind)
  const bytes = kind.codec.encode(value)
  if (bytes.byteLength > kind.maxBytes) throw new MessageTooLargeError(kind.kind, bytes.byteLength, kind.maxBytes)
  return bytes
}
