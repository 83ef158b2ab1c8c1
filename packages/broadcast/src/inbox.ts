import {
  type BroadcastAnswer,
  type BroadcastHandler,
  type BroadcastStrategy,
  type Lane,
  LANES,
} from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { Deliveries } from './deliveries.ts'
import type { DuplicateCache, KnownMessage } from './duplicate-cache.ts'
import { HandlerCalls, type HandlerCallsInit } from './handler-calls.ts'
import type { BroadcastMetrics } from './metrics.ts'
import type { Peers } from './peers.ts'
import type { RefusalReason } from './refusal.ts'

/** A message, or word of one, that came in, whatever way. */
export interface Coming {
  id: string
  /** Topic without its network. */
  topic: string
  /** Length on the wire. */
  byteLength: number
  from: PeerId
  via: BroadcastStrategy
}

/** A message that came in whole. */
export interface Arrival extends Coming {
  payload: Uint8Array
}

/** What became of an arrival: `known` is set once the message itself was judged. */
export type Judgement =
  | { verdict: 'accept'; known: KnownMessage }
  | { verdict: 'ignore' | 'reject'; reason: RefusalReason; known?: KnownMessage }

/** Who takes the messages of a topic, and in which lane. */
export interface Subscription {
  handler: BroadcastHandler
  lane: Lane
}

/** What an inbox needs. */
export interface InboxInit {
  peers: Peers
  cache: DuplicateCache
  deliveries: Deliveries
  metrics: BroadcastMetrics
  log: Logger
  handlerDeadlineMs: number
  maxPendingVerdicts: number
  usefulWeight: number
}

/** Where all ways in meet: judges each message once, and gives every copy of it the same verdict. */
export class Inbox {
  /** By topic. */
  readonly subscriptions = new Map<string, Subscription>()
  readonly #init: InboxInit
  readonly #calls: HandlerCalls

  constructor(init: InboxInit) {
    this.#init = init
    const { log, metrics, handlerDeadlineMs: deadlineMs, maxPendingVerdicts: maxPending } = init
    const onFailure: HandlerCallsInit['onFailure'] = ({ topic, id, from }, err) => {
      metrics.handlerFailed()
      log.error('handler of %s gave no verdict on %s from %p - %e', topic, id, from, err)
    }
    this.#calls = new HandlerCalls({ deadlineMs, maxPending, onFailure })
  }

  /** Judges a message that was pushed to us. Never rejects. */
  async receive(arrival: Arrival): Promise<Judgement> {
    const obstacle = this.obstacle(arrival)
    return obstacle === undefined ? this.judge(arrival) : this.refuse(obstacle)
  }

  /** Judges a message that we asked for. Never rejects. */
  async judge(arrival: Arrival): Promise<Judgement> {
    const known = this.#init.cache.get(arrival.id)
    if (known !== undefined) return this.judgeCopy(arrival, known)

    const subscription = this.subscriptions.get(arrival.topic)
    if (subscription === undefined) return this.refuse('not-subscribed')
    if (this.#calls.isFull(subscription.lane)) return this.refuse('busy')
    return this.#receiveFirst(arrival, subscription.handler)
  }

  /** Gives a copy, or further word, of a message the verdict that the message has. */
  async judgeCopy(arrival: Coming, known: KnownMessage): Promise<Judgement> {
    this.#init.metrics.duplicate(arrival.via)
    if (known.isOwn) this.#init.deliveries.confirm(arrival.id, arrival.from.toString(), 'seen')
    const verdict = await known.verdict
    return verdict === 'accept' ? { verdict, known } : this.#refused(arrival, verdict, known)
  }

  /** What stands against this peer, whatever the message. Charges the peer for what came. */
  obstacle({ topic, from, byteLength }: Coming): RefusalReason | undefined {
    const { peers } = this.#init
    if (!peers.isReady(from)) return 'not-ready'
    // Not the lane of the frame: anybody could claim the rate of emergencies for anything.
    const lane = this.#laneOfTopic(topic)
    // The limiter reports whom it limits.
    return peers.isWithinRate(from, lane, byteLength) ? undefined : 'rate-limited'
  }

  /**
   * The lane that a message is pulled and passed on in: the one that it claims, but none above that of its topic, or
   * anybody could have us fill the lane of emergencies with whatever there is.
   */
  laneOf(topic: string, claimed: Lane): Lane {
    const own = this.#laneOfTopic(topic)
    return LANES.indexOf(claimed) < LANES.indexOf(own) ? own : claimed
  }

  /** Counts a message that is not taken. */
  refuse(reason: RefusalReason): { verdict: 'ignore'; reason: RefusalReason } {
    this.#init.metrics.refused(reason)
    return { verdict: 'ignore', reason }
  }

  /** Gives up on every verdict that handlers have promised. */
  stop(): void {
    this.#calls.stop()
  }

  /** Counts bytes of `from` that are no message of ours, and blames the peer. */
  refuseFrame(from: PeerId, reason: 'malformed' | 'too-large' | 'wrong-network'): void {
    this.refuse(reason)
    this.#init.peers.report(from, { class: 'protocol-violation', evidence: `broadcast frame ${reason}` })
  }

  #laneOfTopic(topic: string): Lane {
    return this.subscriptions.get(topic)?.lane ?? 'normal'
  }

  async #receiveFirst(arrival: Arrival, handler: BroadcastHandler): Promise<Judgement> {
    const { cache, metrics, peers, usefulWeight } = this.#init
    // Known before the handler runs, since the handler may publish, and copies may come while it thinks.
    const known = cache.add(arrival.id, 'ignore')
    const { id, topic, payload, from, via } = arrival
    known.verdict = this.#calls.ask(handler, payload, { from, topic, id, via })
    const verdict = await known.verdict
    // What we have published ourselves meanwhile is accepted, whatever the handler says.
    if (!known.isOwn) known.verdict = verdict
    if (verdict === 'accept') {
      metrics.delivered(via, topic)
      peers.report(from, { class: 'useful', weight: usefulWeight, evidence: `first with ${topic}` })
      return { verdict, known }
    }
    return this.#refused(arrival, verdict, known)
  }

  #refused(arrival: Coming, verdict: Exclude<BroadcastAnswer, 'accept'>, known: KnownMessage): Judgement {
    if (verdict === 'busy') {
      // Our load says nothing of the message: kept under its id, it would have every later copy ignored.
      this.#init.cache.remove(arrival.id, known)
      return this.refuse('busy')
    }
    if (verdict === 'ignore') return { ...this.refuse('ignored'), known }
    // Who passes an invalid message on has not judged it, so every copy counts.
    this.#init.peers.report(arrival.from, { class: 'invalid-message', evidence: `rejected on ${arrival.topic}` })
    this.#init.metrics.refused('rejected')
    return { verdict, reason: 'rejected', known }
  }
}
