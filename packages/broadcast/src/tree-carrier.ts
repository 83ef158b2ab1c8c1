import type { Lane, UnicastContext } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { AckCarrier } from './ack-carrier.ts'
import type { Announcements } from './announcements.ts'
import { TREE_HANDLER, TREE_RECENT_MS, TREE_WELCOME_MS } from './constants.ts'
import type { PublishDelivery } from './delivery.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import { MessageRefusedError } from './errors.ts'
import type { GossipRouter } from './gossip-router.ts'
import type { Coming, Judgement } from './inbox.ts'
import { type IntakeInit, isAuthor, refuseFrame, type Taken, takeFrame } from './intake.ts'
import { toHex } from './message-id.ts'
import type { RetainedPayloads } from './retained-payloads.ts'
import type { Sender } from './sender.ts'
import type { Siblings } from './siblings.ts'
import { TreeControl, type TreeControlInit } from './tree-control.ts'
import { isOnlyAnnounced, takeGraft, type TreeMessage, type TreeMessages } from './tree-messages.ts'
import type { Trees } from './trees.ts'

/** What the carrier of trees needs. */
export interface TreeCarrierInit extends IntakeInit, Omit<TreeControlInit, 'give'> {
  peerId: PeerId
  siblings: Siblings
  router: Pick<GossipRouter, 'whenBeating' | 'whenGrafted' | 'whenReachable'>
  announcements: Announcements
  retained: RetainedPayloads
  acks: AckCarrier
  sender: Sender
  trees: Trees
  messages: TreeMessages
  log: Logger
}

/** One publish by tree. */
export interface TreePublish {
  wireTopic: string
  id: Uint8Array
  bytes: Uint8Array
  known: KnownMessage
  lane: Lane
  isAnnouncement: boolean
  delivery: PublishDelivery
  /** The peers that ought to subscribe, as of now. */
  ready: () => readonly PeerId[]
  /** How long to wait for them to subscribe, in ms. */
  waitMs: number
  signal: AbortSignal
}

/** One copy of a message: who brought it, and when. */
interface Copy extends Taken {
  peer: PeerId
  cameAtMs: number
}

/** Messages along the tree of their topic, each over each link once. */
export class TreeCarrier {
  readonly #init: TreeCarrierInit
  readonly #control: TreeControl
  #signal: AbortSignal | undefined

  constructor(init: TreeCarrierInit) {
    this.#init = init
    this.#control = new TreeControl({ ...init, give: (message, peer) => this.#give(message, peer) })
  }

  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return
    this.#signal = signal
    const { router, siblings, ihaveDelayMs: receiptDelayMs } = this.#init
    siblings.unicast?.handle(TREE_HANDLER, (bytes, context) => this.#receive(bytes, context), { receiptDelayMs })
    this.#control.start(signal)
    router.whenGrafted((wireTopic, peer) => this.#welcome(wireTopic, peer), signal)
    router.whenBeating(() => this.#gossip(), signal)
  }

  stop(): void {
    if (this.#signal === undefined) return
    this.#signal = undefined
    this.#control.stop()
    this.#init.messages.clear()
    this.#init.trees.clear()
    this.#init.siblings.unicast?.unhandle(TREE_HANDLER)
  }

  /** Resolves when the frame was handed to the link of each neighbour it is sent to, or dropped. */
  async publish(publish: TreePublish): Promise<void> {
    const { messages, peerId, router, sender, trees } = this.#init
    const { wireTopic, id, bytes, known, lane, isAnnouncement, delivery, ready, waitMs, signal } = publish
    await router.whenReachable({ topic: wireTopic, ready, waitMs, signal })
    if (signal.aborted) return
    const origin = toHex(peerId.toMultihash().bytes)
    // What was published before goes once more to those that are not known to have it.
    const holders = new Set(messages.get(delivery.id)?.holders)
    messages.add(delivery.id, {
      id,
      wireTopic,
      lane,
      bytes,
      isAnnouncement,
      origin,
      first: undefined,
      isFirstRefused: false,
      holders,
      isAccepted: true,
      atMs: performance.now(),
      grafts: new Map(),
    })
    known.isBranched = true
    trees.links(wireTopic)?.first(undefined, origin)
    const { eager: peers, lazy } = trees.branches(wireTopic, holders)
    this.#control.announce(lazy, id)
    const onMissed = (peer: PeerId): void => this.#control.announce([peer], id)
    await sender.publish({ peers, handler: TREE_HANDLER, lane, bytes, isAnnouncement, signal, onMissed }, delivery)
  }

  /** Takes a frame. What it throws reaches the sender as the reason why we do not have the message. */
  async #receive(bytes: Uint8Array, { peer, lane }: UnicastContext): Promise<void> {
    const { inbox, messages } = this.#init
    const cameAtMs = performance.now()
    const taken = takeFrame(bytes, peer, this.#init)
    if (taken.frame.isDirected) refuseFrame('malformed', peer, this.#init)
    const hex = toHex(taken.id)
    const had = messages.get(hex)
    // Who announces what it never gives must not have it end here when another brings it whole.
    const isFirst = had === undefined || (isOnlyAnnounced(had) && taken.frame.announced === undefined)
    const message = isFirst ? messageOf(taken, bytes, peer, inbox.laneOf(taken.topic, lane)) : had
    if (isFirst) messages.hold(hex, message)
    else message.holders.add(peer.toString())
    const { judgement, isPulling } = this.#judge(taken, bytes.length, peer)
    const settled = judgement.then((outcome) => this.#settle(message, outcome, { ...taken, peer, cameAtMs }))
    if (!isPulling) return settled
    // The receipt of what is pulled says no more than that we have heard.
    settled.catch((err: unknown) => this.#init.log.trace('did not take what %p announced - %e', peer, err))
  }

  #judge(
    { frame, id, topic }: Taken,
    byteLength: number,
    from: PeerId,
  ): { judgement: Promise<Judgement>; isPulling: boolean } {
    const { announcements, inbox } = this.#init
    const coming: Omit<Coming, 'id'> = { topic, byteLength, from, via: 'tree' }
    const { announced: manifest, lane, payload } = frame
    if (manifest !== undefined) return announcements.hear({ ...coming, id, manifest, lane })
    return { judgement: inbox.receive({ ...coming, id: toHex(id), payload }), isPulling: false }
  }

  /** A copy that another was faster with: one of the two links may be one too many. */
  #onCopy({ first, id, origin, wireTopic }: TreeMessage, peer: PeerId): void {
    const late = this.#init.trees.links(wireTopic)?.copy({ from: peer.toString(), first, origin })
    if (late === undefined) return
    const target = late === peer.toString() ? peer : this.#init.trees.neighbour(wireTopic, late)
    if (target !== undefined) this.#control.prune(target, id)
  }

  /** The message is judged. @throws {MessageRefusedError} unless it is accepted */
  #settle(message: TreeMessage, judgement: Judgement, { frame, peer, cameAtMs }: Copy): void {
    const { acks, messages } = this.#init
    const hex = toHex(message.id)
    if (judgement.verdict !== 'accept') {
      // Of a further copy, what was refused may be its bringer.
      if (message.first === peer.toString()) {
        message.isFirstRefused = true
        messages.release(hex, message)
      }
      throw new MessageRefusedError(judgement.reason)
    }
    const { known } = judgement
    if (message.isFirstRefused) {
      message.first = peer.toString()
      message.isFirstRefused = false
    }
    if (this.#signal !== undefined) messages.keep(hex, message)
    if (message.first !== peer.toString()) this.#onCopy(message, peer)
    const wasAsked = this.#control.found(message, cameAtMs)
    // The receipt tells the author, but of what was announced or asked for.
    const receipt = wasAsked || frame.announced !== undefined ? 'none' : 'receipt'
    const fromAuthor = isAuthor(frame, peer) ? receipt : undefined
    acks.acknowledge({ id: message.id, origin: frame.origin, known, fromAuthor })
    if (!message.isAccepted) this.#passOn(message, known)
  }

  #passOn(message: TreeMessage, known: KnownMessage): void {
    const { trees } = this.#init
    const { id, wireTopic, first, holders, origin } = message
    const signal = this.#signal
    if (signal === undefined || known.isBranched || !this.#canGive(message)) return
    known.isBranched = true
    message.isAccepted = true
    const isOfNeighbour = first !== undefined && trees.neighbour(wireTopic, first) !== undefined
    if (isOfNeighbour) trees.links(wireTopic)?.first(first, origin)
    const { eager: peers, lazy } = trees.branches(wireTopic, holders)
    this.#control.announce(lazy, id)
    this.#send(message, peers, signal)
  }

  /** Tells a new neighbour of what went by while it was none, or it could miss that for good. */
  #welcome(wireTopic: string, peer: PeerId): void {
    this.#control.tell(peer, this.#init.messages.recent(wireTopic, TREE_WELCOME_MS))
  }

  #gossip(): void {
    const { messages, trees } = this.#init
    for (const wireTopic of trees.topics()) {
      const recent = messages.recent(wireTopic, TREE_RECENT_MS)
      if (recent.length === 0) continue
      for (const peer of trees.outsiders(wireTopic)) this.#control.tell(peer, recent)
    }
  }

  #give(message: TreeMessage, peer: PeerId): void {
    const signal = this.#signal
    if (signal === undefined || !this.#canGive(message) || !takeGraft(message, peer.toString())) return
    this.#send(message, [peer], signal)
  }

  /** Whoever is too busy to take it is told that it is here, and asks for it later. */
  #send({ id, bytes, lane }: TreeMessage, peers: PeerId[], signal: AbortSignal): void {
    const onMissed = (peer: PeerId): void => this.#control.announce([peer], id)
    this.#init.sender.passOn({ peers, handler: TREE_HANDLER, lane, bytes, isAnnouncement: false, signal, onMissed })
  }

  /** Whom we tell of a payload will ask us for it, and blame us where we have it no more. */
  #canGive({ id, isAnnouncement }: TreeMessage): boolean {
    return !isAnnouncement || this.#init.retained.has(toHex(id))
  }
}

function messageOf({ frame, id }: Taken, bytes: Uint8Array, peer: PeerId, lane: Lane): TreeMessage {
  const first = peer.toString()
  return {
    id,
    wireTopic: frame.topic,
    lane,
    bytes,
    isAnnouncement: frame.announced !== undefined,
    origin: toHex(frame.origin),
    first,
    isFirstRefused: false,
    holders: new Set([first]),
    isAccepted: false,
    atMs: performance.now(),
    grafts: new Map(),
  }
}
