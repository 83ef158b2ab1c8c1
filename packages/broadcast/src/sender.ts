import type { Lane } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { PublishDelivery } from './delivery.ts'
import type { BroadcastMetrics } from './metrics.ts'
import { abortReasonOf, isFinal, reasonOf } from './refusal.ts'
import type { QueuedSend, SendQueue } from './send-queue.ts'
import type { Siblings } from './siblings.ts'

/** What the sender needs. */
export interface SenderInit {
  peerId: PeerId
  siblings: Siblings
  queue: SendQueue
  metrics: BroadcastMetrics
  log: Logger
  sendDeadlineMs: number
}

/** One frame, serialised, and where it goes. */
export interface Shipment {
  peers: PeerId[]
  /** Name of the unicast handler that takes it. */
  handler: string
  lane: Lane
  bytes: Uint8Array
  /** The receipt says that the peer has heard of the message, not that it has it. */
  isAnnouncement: boolean
  signal: AbortSignal
  /** Is told of each peer that did not take it now, and may later. */
  onMissed?: (peer: PeerId) => void
}

/** What becomes of a send. */
interface SendWatcher {
  sent?(): void
  received?(): void
  /** It never left. */
  dropped(reason: string): void
  /** It left and came to nothing. */
  failed(reason: string): void
}

/** Sends frames over unicast, one by one, through the queue. */
export class Sender {
  readonly #init: SenderInit

  constructor(init: SenderInit) {
    this.#init = init
  }

  /** Resolves when the frame was handed to the link of each peer, or dropped. The delivery learns of the receipts. */
  async publish(shipment: Shipment, delivery: PublishDelivery): Promise<void> {
    const { peers, signal } = shipment
    const sends: QueuedSend[] = []
    const cancel = (): void => {
      for (const send of sends) send.cancel(abortReasonOf(signal))
    }
    // All are open before the first may end, or the delivery would be settled too soon.
    for (const peer of peers) delivery.open(peer.toString())
    signal.addEventListener('abort', cancel, { once: true })
    try {
      for (const peer of peers) sends.push(this.#send(peer, shipment, watcherOf(delivery, peer, shipment)))
      await Promise.all(sends.map((send) => send.left))
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  /** Sends what somebody else published; nobody waits for the outcome. */
  passOn(shipment: Shipment): void {
    for (const peer of shipment.peers) {
      const ended = (reason: string): void => this.#init.log.trace('send to %p ended: %s', peer, reason)
      this.#send(peer, shipment, { dropped: ended, failed: ended })
    }
  }

  #send(peer: PeerId, { handler, lane, bytes, signal, onMissed }: Shipment, watcher: SendWatcher): QueuedSend {
    const { siblings, queue, metrics, sendDeadlineMs } = this.#init
    const { unicast } = siblings
    const lose = (reason: string): void => {
      metrics.dropped(reason)
      if (!isFinal(reason)) onMissed?.(peer)
    }
    const drop = (reason: string): void => {
      lose(reason)
      watcher.dropped(reason)
    }
    const hindrance = this.#hindrance(peer, signal)
    if (unicast === undefined || hindrance !== undefined) {
      drop(hindrance ?? 'no-unicast')
      return { left: Promise.resolve(), cancel: () => undefined }
    }
    const run = async (): Promise<void> => {
      watcher.sent?.()
      try {
        await unicast.send(peer, handler, bytes, { lane, deadlineMs: sendDeadlineMs, signal })
        watcher.received?.()
      } catch (err) {
        const reason = signal.aborted ? abortReasonOf(signal) : reasonOf(err)
        lose(reason)
        watcher.failed(reason)
      }
    }
    return queue.push({ lane, peer: peer.toString(), run, drop })
  }

  #hindrance(peer: PeerId, signal: AbortSignal): string | undefined {
    if (peer.equals(this.#init.peerId)) return 'self'
    return signal.aborted ? abortReasonOf(signal) : undefined
  }
}

function watcherOf(delivery: PublishDelivery, peer: PeerId, { isAnnouncement }: Shipment): SendWatcher {
  const key = peer.toString()
  return {
    sent: () => delivery.sent(key),
    received: () => (isAnnouncement ? delivery.heard() : delivery.acknowledged(key)),
    dropped: (reason) => delivery.dropped(key, reason),
    failed: (reason) => delivery.failed(key, reason),
  }
}
