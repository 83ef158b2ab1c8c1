import type { Lane, UnicastContext } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { AckCarrier } from './ack-carrier.ts'
import type { Announced, Announcements } from './announcements.ts'
import { BROADCAST_HANDLER } from './constants.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import { MessageRefusedError } from './errors.ts'
import { encodeFrame, type Frame } from './frame.ts'
import type { Judgement } from './inbox.ts'
import { type IntakeInit, isAuthor, takeFrame } from './intake.ts'
import { toHex } from './message-id.ts'
import type { Peers } from './peers.ts'
import type { RetainedPayloads } from './retained-payloads.ts'
import type { Sender } from './sender.ts'
import type { Siblings } from './siblings.ts'

/** What the receiver of flooded and directed frames needs. */
export interface DirectCarrierInit extends IntakeInit {
  siblings: Siblings
  peers: Peers
  announcements: Announcements
  retained: RetainedPayloads
  acks: AckCarrier
  sender: Sender
  log: Logger
  hopLimit: number
  ackDelayMs: number
}

/** A frame that was read, and who handed it to us in which lane. */
interface Received {
  frame: Frame
  id: Uint8Array
  peer: PeerId
  lane: Lane
}

/** Takes flooded and directed frames, and floods on. */
export class DirectCarrier {
  readonly #init: DirectCarrierInit
  #signal: AbortSignal | undefined

  constructor(init: DirectCarrierInit) {
    this.#init = init
  }

  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return
    this.#signal = signal
    const { siblings, ackDelayMs: receiptDelayMs } = this.#init
    siblings.unicast?.handle(BROADCAST_HANDLER, (bytes, context) => this.#receive(bytes, context), { receiptDelayMs })
  }

  stop(): void {
    if (this.#signal === undefined) return
    this.#signal = undefined
    this.#init.siblings.unicast?.unhandle(BROADCAST_HANDLER)
  }

  /** Takes a frame. What it throws reaches the sender as the reason why we do not have the message. */
  async #receive(bytes: Uint8Array, { peer, lane }: UnicastContext): Promise<void> {
    const { acks, inbox } = this.#init
    const { frame, id, topic } = takeFrame(bytes, peer, this.#init)
    const received: Received = { frame, id, peer, lane: inbox.laneOf(topic, lane) }
    const coming = {
      topic,
      byteLength: bytes.length,
      from: peer,
      via: frame.isDirected ? 'directed' : 'flood',
    } as const
    const { payload, announced } = frame
    if (announced !== undefined) return this.#hear(received, { ...coming, id, manifest: announced, lane: frame.lane })
    const judgement = await inbox.receive({ ...coming, id: toHex(id), payload })
    if (judgement.verdict !== 'accept') throw new MessageRefusedError(judgement.reason)
    const { known } = judgement
    if (isAuthor(frame, peer)) acks.acknowledge({ id, origin: frame.origin, known, fromAuthor: 'receipt' })
    this.#passOn(received, known)
  }

  /** Takes word of a message. The receipt of what is pulled says no more than that we have heard. */
  async #hear(received: Received, announced: Announced): Promise<void> {
    const { announcements, log } = this.#init
    const { isPulling, judgement } = announcements.hear(announced)
    if (!isPulling) return this.#settle(received, await judgement)
    judgement
      .then((outcome) => this.#settle(received, outcome))
      .catch((err: unknown) => log.trace('did not take what %p announced - %e', received.peer, err))
  }

  /** The announced message is judged. @throws {MessageRefusedError} unless it is accepted */
  #settle(received: Received, judgement: Judgement): void {
    const { acks, retained } = this.#init
    if (judgement.verdict !== 'accept') throw new MessageRefusedError(judgement.reason)
    const { known } = judgement
    const { frame, id, peer } = received
    const fromAuthor = isAuthor(frame, peer) ? 'none' : undefined
    acks.acknowledge({ id, origin: frame.origin, known, fromAuthor })
    // Whom we tell of it will ask us for it.
    if (retained.has(toHex(id))) this.#passOn(received, known)
  }

  /** Floods on. A later copy with more hops left goes on again, or the longer way would decide how far a message gets. */
  #passOn({ frame, peer: from, lane }: Received, known: KnownMessage): void {
    const { hopLimit, peers, sender } = this.#init
    const hops = Math.min(frame.hops, hopLimit - 1) - 1
    const signal = this.#signal
    if (frame.isDirected || hops < 0 || hops <= known.hops || signal === undefined) return
    known.hops = hops
    // Not left out: the claimed author. A forger would keep a message from anyone by naming them.
    const others = peers.ready().filter((peer) => !peer.equals(from))
    sender.passOn({
      peers: others,
      handler: BROADCAST_HANDLER,
      lane,
      bytes: encodeFrame({ ...frame, hops }),
      isAnnouncement: false,
      signal,
    })
  }
}
