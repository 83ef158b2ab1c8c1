import type { UnicastContext } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import { IdBatcher } from './id-batcher.ts'
import { decodeAck, encodeAck } from './ack-codec.ts'
import { ACK_HANDLER, MAX_COUNTED_PEERS } from './constants.ts'
import type { Deliveries } from './deliveries.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import { MessageRefusedError } from './errors.ts'
import { toHex } from './message-id.ts'
import type { BroadcastMetrics } from './metrics.ts'
import type { Peers } from './peers.ts'
import { reasonOf } from './refusal.ts'
import type { SendQueue } from './send-queue.ts'
import type { Siblings } from './siblings.ts'
import { WindowCounter } from './window-counter.ts'

/** What the acknowledgements need. */
export interface AckCarrierInit {
  siblings: Siblings
  peers: Peers
  deliveries: Deliveries
  queue: SendQueue
  metrics: BroadcastMetrics
  log: Logger
  isEnabled: boolean
  delayMs: number
  maxIdsPerBatch: number
  maxIdsPerSecond: number
  sendDeadlineMs: number
  /** A peer says that it has a message which is none of ours. */
  onUnknown(id: string, peer: PeerId): void
}

/** A message that we have, of which its author may know that. */
export interface Having {
  id: Uint8Array
  /** Multihash of the author, as the frame claims. */
  origin: Uint8Array
  known: KnownMessage
  /**
   * The author handed it to us itself. With `receipt` the receipt of what it sent has told it; with `none` it waits for
   * word of ours, whatever it was told before, and whatever the option says.
   */
  fromAuthor?: 'receipt' | 'none' | undefined
}

/** Gossip tells an author nothing of who has a message; receivers that are connected to the author do so here. */
export class AckCarrier {
  readonly #init: AckCarrierInit
  readonly #batcher: IdBatcher
  readonly #inbound: WindowCounter
  #signal: AbortSignal | undefined

  constructor(init: AckCarrierInit) {
    this.#init = init
    const { delayMs, maxIdsPerBatch, maxIdsPerSecond } = init
    this.#batcher = new IdBatcher({ delayMs, maxIdsPerBatch, maxIdsPerSecond, send: (...ack) => this.#send(...ack) })
    // A batch that was due in one second may come in the next.
    this.#inbound = new WindowCounter(2 * maxIdsPerSecond + maxIdsPerBatch, MAX_COUNTED_PEERS)
  }

  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return
    this.#signal = signal
    this.#init.siblings.unicast?.handle(ACK_HANDLER, (bytes, context) => this.#receive(bytes, context))
  }

  stop(): void {
    if (this.#signal === undefined) return
    this.#signal = undefined
    this.#batcher.clear()
    this.#init.siblings.unicast?.unhandle(ACK_HANDLER)
  }

  /** Tells the author that we have the message, once, if the claimed author is a ready peer of ours. */
  acknowledge({ id, origin, known, fromAuthor }: Having): void {
    const isOwed = fromAuthor === 'none'
    if (known.isOwn || (known.isAcknowledged && !isOwed)) return
    known.isAcknowledged = true
    if (fromAuthor === 'receipt') return
    const { siblings, isEnabled, metrics, peers } = this.#init
    if (!(isEnabled || isOwed) || siblings.unicast === undefined) return
    const peer = peers.findReady(origin)
    if (peer !== undefined && !this.#batcher.add(peer, id)) metrics.acks('limited', 1)
  }

  #send(peer: PeerId, ids: Uint8Array[]): void {
    const { siblings, queue, metrics, log, sendDeadlineMs } = this.#init
    const signal = this.#signal
    if (signal === undefined) return
    const fail = (reason: string): void => {
      metrics.dropped(reason)
      log.trace('acknowledgement of %d messages to %p dropped: %s', ids.length, peer, reason)
    }
    const run = async (): Promise<void> => {
      try {
        const options = { lane: 'normal', deadlineMs: sendDeadlineMs, signal } as const
        await siblings.unicast?.send(peer, ACK_HANDLER, encodeAck(ids), options)
        metrics.acks('sent', ids.length)
      } catch (err) {
        fail(reasonOf(err))
      }
    }
    queue.push({ lane: 'normal', peer: peer.toString(), run, drop: fail })
  }

  #receive(bytes: Uint8Array, { peer }: UnicastContext): void {
    const { peers, deliveries, metrics } = this.#init
    if (!peers.isReady(peer)) throw new MessageRefusedError('not-ready')
    const ids = decodeAck(bytes)
    if (ids === undefined) {
      peers.report(peer, { class: 'protocol-violation', evidence: 'malformed broadcast acknowledgement' })
      throw new MessageRefusedError('malformed')
    }
    if (!this.#inbound.tryTake(peer.toString(), ids.length)) {
      // No blame: whoever forges our name as author makes honest peers acknowledge to us.
      metrics.acks('limited', ids.length)
      throw new MessageRefusedError('rate-limited')
    }
    let known = 0
    for (const id of ids.map(toHex)) {
      if (deliveries.confirm(id, peer.toString(), 'acknowledged')) known += 1
      else this.#init.onUnknown(id, peer)
    }
    metrics.acks('received', known)
    metrics.acks('unknown', ids.length - known)
  }
}
