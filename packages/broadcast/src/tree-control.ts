import type { Lane, UnicastContext } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import {
  MAX_ACK_DELAY_MS,
  MAX_CONTROL_IDS,
  MAX_CONTROL_IDS_PER_SECOND,
  MAX_COUNTED_PEERS,
  MAX_RECENT_IDS,
  TREE_CONTROL_HANDLER,
} from './constants.ts'
import type { DuplicateCache } from './duplicate-cache.ts'
import { MessageRefusedError } from './errors.ts'
import { IdBatcher } from './id-batcher.ts'
import { toHex } from './message-id.ts'
import type { BroadcastMetrics } from './metrics.ts'
import { MissingMessages, type Whereabouts } from './missing-messages.ts'
import type { Peers } from './peers.ts'
import type { Puller } from './puller.ts'
import { reasonOf } from './refusal.ts'
import type { SendQueue } from './send-queue.ts'
import type { Siblings } from './siblings.ts'
import { type Control, decodeControl, encodeControl } from './tree-codec.ts'
import { noteHolder, type TreeMessage, type TreeMessages } from './tree-messages.ts'
import type { Trees } from './trees.ts'
import { WindowCounter } from './window-counter.ts'

/** What the control messages need. */
export interface TreeControlInit {
  siblings: Pick<Siblings, 'unicast'>
  peers: Pick<Peers, 'isReachable' | 'isReady' | 'report'>
  cache: DuplicateCache
  puller: Pick<Puller, 'addSource' | 'has'>
  queue: SendQueue
  trees: Pick<Trees, 'links'>
  messages: TreeMessages
  metrics: BroadcastMetrics
  log: Logger
  sendDeadlineMs: number
  ihaveDelayMs: number
  graftAfterMs: number
  /** Sends a message to a neighbour that asks for it. */
  give: (message: TreeMessage, peer: PeerId) => void
}

/** What neighbours of a tree tell each other: which messages they have, and which links they want to be sent messages by. */
export class TreeControl {
  readonly #init: TreeControlInit
  readonly #ihave: IdBatcher
  readonly #missing: MissingMessages
  /** What peers are to be told of once all that happens at this moment has. */
  readonly #news = new Map<string, { peer: PeerId; messages: Set<TreeMessage> }>()
  /** What one busy topic has to tell: with more of them a neighbour would hear nothing of us any more. */
  readonly #told = new WindowCounter(MAX_RECENT_IDS, MAX_COUNTED_PEERS)
  readonly #inbound = new WindowCounter(MAX_CONTROL_IDS_PER_SECOND, MAX_COUNTED_PEERS)
  #signal: AbortSignal | undefined

  constructor(init: TreeControlInit) {
    this.#init = init
    this.#ihave = new IdBatcher({
      delayMs: init.ihaveDelayMs,
      maxIdsPerBatch: MAX_CONTROL_IDS,
      // What is said in one second may come in the next, and there is more to be told.
      maxIdsPerSecond: MAX_CONTROL_IDS_PER_SECOND / 4,
      send: (peer, ids) => this.#sendIhave(peer, ids),
    })
    this.#missing = new MissingMessages({
      afterMs: init.graftAfterMs,
      whereIs: (id) => this.#whereIs(id),
      ask: (peer, ids) => this.#graft(peer, ids),
    })
  }

  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return
    this.#signal = signal
    const { siblings } = this.#init
    const onControl = (bytes: Uint8Array, context: UnicastContext): void => this.#receive(bytes, context)
    siblings.unicast?.handle(TREE_CONTROL_HANDLER, onControl, { receiptDelayMs: MAX_ACK_DELAY_MS })
  }

  stop(): void {
    if (this.#signal === undefined) return
    this.#signal = undefined
    this.#ihave.clear()
    this.#missing.clear()
    this.#news.clear()
    this.#init.siblings.unicast?.unhandle(TREE_CONTROL_HANDLER)
  }

  /** Tells neighbours of a message, soon. */
  announce(peers: readonly PeerId[], id: Uint8Array): void {
    if (this.#signal === undefined) return
    for (const peer of peers) this.#ihave.add(peer, id)
  }

  /** Tells a peer of messages, now, but for those it has, and those beyond what it may be told of in a second. */
  tell(peer: PeerId, messages: readonly TreeMessage[]): void {
    if (this.#signal === undefined) return
    const name = peer.toString()
    const news = this.#news.get(name) ?? { peer, messages: new Set() }
    for (const message of messages) if (!message.holders.has(name)) news.messages.add(message)
    // All topics at once, or the first of them, where it is busy, would leave the others nothing of the second.
    if (this.#news.size === 0) queueMicrotask(() => this.#tellAll())
    this.#news.set(name, news)
  }

  /** Tells a neighbour to send us no more of the topic of this message. */
  prune(peer: PeerId, id: Uint8Array): void {
    this.#send(peer, 'high', { prune: [id] })
  }

  /**
   * A message that came at that time is accepted: nobody need be asked for it. The link to whoever was is kept if it came
   * from there. Returns whether it did.
   */
  found({ id, wireTopic, first }: TreeMessage, cameAtMs: number): boolean {
    const links = this.#init.trees.links(wireTopic)
    const asked = this.#missing.found(toHex(id), first, cameAtMs)
    for (const peer of asked) {
      const name = peer.toString()
      if (name === first) links?.graft(name)
      else if (links?.prune(name) === true) this.prune(peer, id)
    }
    return asked.some((peer) => peer.toString() === first)
  }

  /** Of all topics the latest first. */
  #tellAll(): void {
    for (const [name, { peer, messages }] of this.#news) {
      const ids = [...messages].toSorted((a, b) => b.atMs - a.atMs).map(({ id }) => id)
      for (const piece of inPieces(ids)) {
        if (this.#told.tryTake(name, piece.length)) this.#send(peer, 'normal', { ihave: piece })
      }
    }
    this.#news.clear()
  }

  /** Whoever has told us of a message meanwhile need not be told of it. Who went is not dialled for it. */
  #sendIhave(peer: PeerId, ids: Uint8Array[]): void {
    const { messages, peers } = this.#init
    if (!peers.isReachable(peer)) return
    const name = peer.toString()
    const ihave = ids.filter((id) => messages.get(toHex(id))?.holders.has(name) !== true)
    if (ihave.length > 0) this.#send(peer, 'normal', { ihave })
  }

  #graft(peer: PeerId, ids: Uint8Array[]): void {
    for (const graft of inPieces(ids)) this.#send(peer, 'high', { graft })
  }

  #receive(bytes: Uint8Array, { peer }: UnicastContext): void {
    const { peers } = this.#init
    if (!peers.isReady(peer)) throw new MessageRefusedError('not-ready')
    const control = decodeControl(bytes)
    if (control === undefined) {
      peers.report(peer, { class: 'protocol-violation', evidence: 'malformed broadcast tree control' })
      throw new MessageRefusedError('malformed')
    }
    const count = control.ihave.length + control.graft.length + control.prune.length
    if (!this.#inbound.tryTake(peer.toString(), count)) throw new MessageRefusedError('rate-limited')
    for (const id of control.ihave) this.#onIhave(peer, id)
    for (const id of control.graft) this.#onGraft(peer, id)
    const refused = control.prune.filter((id) => !this.#onPrune(peer, id))
    if (refused.length > 0) this.#send(peer, 'high', { graft: refused })
  }

  #onIhave(peer: PeerId, bytes: Uint8Array): void {
    const { messages, puller } = this.#init
    const hex = toHex(bytes)
    const message = messages.get(hex)
    if (message !== undefined) noteHolder(message, peer.toString())
    puller.addSource(hex, peer)
    // A pull may fail, and what is pulled may come while there is no time to judge it: then whoever has it is asked.
    if (this.#whereIs(hex) !== 'known') this.#missing.add({ bytes, hex }, peer)
  }

  #whereIs(id: string): Whereabouts {
    const { cache, puller } = this.#init
    if (puller.has(id)) return 'under-way'
    const known = cache.get(id)
    if (known === undefined) return 'absent'
    return typeof known.verdict === 'string' ? 'known' : 'under-way'
  }

  #onGraft(peer: PeerId, id: Uint8Array): void {
    const { give, messages, trees } = this.#init
    const message = messages.get(toHex(id))
    if (message === undefined) return
    const links = trees.links(message.wireTopic)
    // Who asks for what it sent us itself does not want the message, but the link.
    if (message.holders.has(peer.toString())) links?.adopt(peer.toString())
    else links?.graft(peer.toString())
    give(message, peer)
  }

  /** Returns `false` where the link is kept. */
  #onPrune(peer: PeerId, id: Uint8Array): boolean {
    const { messages, trees } = this.#init
    const message = messages.get(toHex(id))
    if (message === undefined) return true
    noteHolder(message, peer.toString())
    return trees.links(message.wireTopic)?.prune(peer.toString()) ?? true
  }

  #send(peer: PeerId, lane: Lane, control: Partial<Control>): void {
    const { siblings, queue, metrics, log, sendDeadlineMs: deadlineMs } = this.#init
    const signal = this.#signal
    if (signal === undefined) return
    const fail = (reason: string): void => {
      metrics.dropped(reason)
      log.trace('tree control to %p dropped: %s', peer, reason)
    }
    const run = async (): Promise<void> => {
      try {
        await siblings.unicast?.send(peer, TREE_CONTROL_HANDLER, encodeControl(control), { lane, deadlineMs, signal })
        metrics.treeControl(control)
      } catch (err) {
        fail(reasonOf(err))
      }
    }
    queue.push({ lane, peer: peer.toString(), run, drop: fail })
  }
}

/** Lists that fit a control message each. */
function inPieces(ids: readonly Uint8Array[]): Uint8Array[][] {
  const count = Math.ceil(ids.length / MAX_CONTROL_IDS)
  return Array.from({ length: count }, (_, at) => ids.slice(at * MAX_CONTROL_IDS, (at + 1) * MAX_CONTROL_IDS))
}
