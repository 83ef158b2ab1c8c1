import { type Lane, optional, type UnicastContext } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { equals } from 'uint8arrays/equals'
import { BROADCAST_HANDLER } from './constants.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import { MessageRefusedError } from './errors.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'
import type { Inbox } from './inbox.ts'
import type { BroadcastComponents } from './index.ts'
import { messageId, toHex } from './message-id.ts'
import type { Peers } from './peers.ts'
import type { Sender } from './sender.ts'
import type { Topics } from './topics.ts'

/** What the receiver of flooded and directed frames needs. */
export interface DirectCarrierInit {
  components: BroadcastComponents
  peers: Peers
  inbox: Inbox
  sender: Sender
  topics: Topics
  hopLimit: number
  maxMessageBytes: number
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
    const unicast = optional(this.#init.components, 'unicast')
    unicast?.handle(BROADCAST_HANDLER, (bytes, context) => this.#receive(bytes, context))
  }

  stop(): void {
    if (this.#signal === undefined) return
    this.#signal = undefined
    optional(this.#init.components, 'unicast')?.unhandle(BROADCAST_HANDLER)
  }

  /** Takes a frame. What it throws reaches the sender as the reason why we do not have the message. */
  async #receive(bytes: Uint8Array, { peer, lane }: UnicastContext): Promise<void> {
    const { inbox, topics, maxMessageBytes } = this.#init
    const frame = decodeFrame(bytes, maxMessageBytes)
    if (typeof frame === 'string') return this.#refuse(peer, frame)
    const topic = topics.fromWire(frame.topic)
    if (topic === undefined) return this.#refuse(peer, frame.topic === '' ? 'malformed' : 'wrong-network')

    const id = toHex(messageId(frame.topic, frame.payload))
    const via = frame.isDirected ? 'directed' : 'flood'
    const { payload } = frame
    const judgement = await inbox.receive({ id, topic, payload, byteLength: bytes.length, from: peer, via })
    if (judgement.verdict !== 'accept') throw new MessageRefusedError(judgement.reason)
    // The receipt tells the author already.
    if (equals(peer.toMultihash().bytes, frame.origin)) judgement.known.isAcknowledged = true
    this.#passOn(frame, judgement.known, peer, lane)
  }

  #refuse(peer: PeerId, reason: 'malformed' | 'too-large' | 'wrong-network'): never {
    this.#init.inbox.refuseFrame(peer, reason)
    throw new MessageRefusedError(reason)
  }

  /** Floods on. A later copy with more hops left goes on again, or the longer way would decide how far a message gets. */
  #passOn(frame: Frame, known: KnownMessage, from: PeerId, lane: Lane): void {
    const { hopLimit, peers, sender } = this.#init
    const hops = Math.min(frame.hops, hopLimit - 1) - 1
    const signal = this.#signal
    if (frame.isDirected || hops < 0 || hops <= known.hops || signal === undefined) return
    known.hops = hops
    // Not left out: the claimed author. A forger would keep a message from anyone by naming them.
    const others = peers.ready().filter((peer) => !peer.equals(from))
    sender.passOn({ peers: others, lane, bytes: encodeFrame({ ...frame, hops }), signal })
  }
}
