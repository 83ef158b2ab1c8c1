import type { Verdict } from '@gridmesh/interfaces'
import { type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Logger, PeerId } from '@libp2p/interface'
import type { AckCarrier } from './ack-carrier.ts'
import type { Announcements } from './announcements.ts'
import type { PublishDelivery } from './delivery.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import type { GossipFrame, GossipIds } from './gossip-ids.ts'
import type { GossipRouter } from './gossip-router.ts'
import type { GossipTraffic } from './gossip-traffic.ts'
import type { Inbox, Judgement } from './inbox.ts'
import type { BroadcastMetrics } from './metrics.ts'
import { type GossipArrival, Postponed } from './postponed.ts'
import type { RetainedPayloads } from './retained-payloads.ts'
import type { Topics } from './topics.ts'

const RESULTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

/** What the gossip carrier needs. */
export interface GossipCarrierInit {
  router: GossipRouter
  traffic: GossipTraffic
  ids: GossipIds
  inbox: Inbox
  announcements: Announcements
  retained: RetainedPayloads
  acks: AckCarrier
  topics: Topics
  metrics: BroadcastMetrics
  log: Logger
}

/** One publish by gossip. */
export interface GossipPublish {
  wireTopic: string
  bytes: Uint8Array
  known: KnownMessage
  delivery: PublishDelivery
  /** The peers that ought to subscribe, as of now. */
  ready: () => readonly PeerId[]
  /** How long to wait for them to subscribe, in ms. */
  waitMs: number
  signal: AbortSignal
}

/** Messages through the mesh of their topic. */
export class GossipCarrier {
  readonly #init: GossipCarrierInit
  readonly #postponed = new Postponed((arrival) => this.#judgeAgain(arrival))

  constructor(init: GossipCarrierInit) {
    this.#init = init
  }

  stop(): void {
    this.#postponed.clear()
  }

  subscribe(wireTopic: string): void {
    this.#init.router.subscribe(wireTopic, (from, msg) => this.#validate(from, msg))
  }

  async publish({ wireTopic, bytes, known, delivery, ready, waitMs, signal }: GossipPublish): Promise<void> {
    const { router, ids, metrics, log, traffic } = this.#init
    await router.whenReachable({ topic: wireTopic, ready, waitMs, signal })
    if (signal.aborted) return
    // Gossipsub sends the same content once: a mesh that is not served then has missed nothing.
    const isNew = !known.isGossiped
    known.isGossiped = true
    known.isGossipedOn = true
    try {
      const { recipients, missed } = await ids.publishing(delivery.id, () => router.publish(wireTopic, bytes, isNew))
      for (const peer of recipients) {
        delivery.sent(peer.toString())
        traffic.told(peer, bytes, 'out')
      }
      for (const peer of missed) {
        delivery.missed(peer, 'no-link')
        metrics.dropped('no-link')
      }
    } catch (err) {
      // It has not gone out: it may be tried again.
      known.isGossiped = false
      metrics.dropped('gossip-failed')
      for (const peer of router.reachable(wireTopic)) delivery.missed(peer, 'gossip-failed')
      log.error('could not gossip %s - %e', delivery.id, err)
    }
  }

  /** Gossipsub asks for our verdict on a message. What it gets also decides whether it passes the message on. */
  async #validate(from: PeerId, msg: Message): Promise<TopicValidatorResult> {
    const { ids, inbox, topics, traffic } = this.#init
    const frame = ids.read(msg)
    const topic = topics.fromWire(msg.topic)
    if (typeof frame === 'string' || topic === undefined) {
      inbox.refuseFrame(from, typeof frame === 'string' ? frame : 'wrong-network')
      return TopicValidatorResult.Reject
    }

    traffic.told(from, msg.data, 'in')
    const arrival = { from, topic, frame, msg }
    const judgement = await this.#judge(from, topic, frame, msg.data.length)
    // Gossipsub asks for it no more, and its neighbours send it once.
    if (isBusy(judgement) && frame.announced === undefined) this.#postponed.add(arrival)
    if (!this.#isToPassOn(arrival, judgement, ids.isCopy(msg))) return RESULTS[resultOf(judgement)]
    if (!ids.isCopy(msg)) return TopicValidatorResult.Accept
    this.#passOnAnew(arrival)
    return TopicValidatorResult.Ignore
  }

  /** Judges a message that there was no room for before. Resolves with whether there was now. */
  async #judgeAgain(arrival: GossipArrival): Promise<boolean> {
    try {
      return await this.#judgeLater(arrival)
    } catch (err) {
      // Of a router that is not gossipsub: nobody waits for us who could handle it.
      this.#init.log.error('could not pass on %s - %e', arrival.frame.id.hex, err)
      return true
    }
  }

  async #judgeLater(arrival: GossipArrival): Promise<boolean> {
    const { from, topic, frame, msg } = arrival
    const { id, payload } = frame
    const coming = { id: id.hex, topic, byteLength: msg.data.length, from, via: 'gossip' } as const
    const judgement = await this.#init.inbox.judge({ ...coming, payload })
    if (isBusy(judgement)) return false
    if (this.#isToPassOn(arrival, judgement, true)) this.#passOnAnew(arrival)
    return true
  }

  /** Takes note of a judgement. Returns whether the message goes on from here. */
  #isToPassOn({ frame }: GossipArrival, judgement: Judgement, isCopy: boolean): boolean {
    // Not judged because of who brought it: the next peer that brings it gets a hearing.
    if (judgement.known === undefined) this.#init.ids.watch(frame.id.hex)
    if (judgement.verdict !== 'accept') return false
    const { known } = judgement
    // Gossipsub forgets sooner than we do; what it had before goes no second round through the network. A copy of what is
    // ours shows who has it, and no more.
    const isToPassOn = !known.isGossipedOn && !(isCopy && known.isOwn) && this.#canPassOn(frame)
    if (isToPassOn) known.isGossipedOn = true
    this.#accept(frame, known)
    return isToPassOn
  }

  /** Passes on what gossipsub has let go of, or knows by the id of a copy, by which nobody else does. */
  #passOnAnew({ frame, msg, from }: GossipArrival): void {
    this.#init.router.passOn(frame.id, msg, from)
  }

  #judge(from: PeerId, topic: string, frame: GossipFrame, byteLength: number): Promise<Judgement> {
    const { announcements, ids, inbox } = this.#init
    const { id, payload, announced, lane } = frame
    const coming = { topic, byteLength, from, via: 'gossip' } as const
    if (announced === undefined) return inbox.receive({ ...coming, id: id.hex, payload })
    const { isPulling, judgement } = announcements.hear({ ...coming, id: id.bytes, manifest: announced, lane })
    // Whoever announces it while it is pulled can be asked for it.
    if (isPulling) ids.watch(id.hex)
    return judgement
  }

  /** Whom we tell of a payload will ask us for it. */
  #canPassOn({ id, announced }: GossipFrame): boolean {
    return announced === undefined || this.#init.retained.has(id.hex)
  }

  #accept({ id, origin }: GossipFrame, known: KnownMessage): void {
    known.isGossiped = true
    if (known.isOwn) return
    this.#init.ids.unwatch(id.hex)
    this.#init.acks.acknowledge({ id: id.bytes, origin, known })
  }
}

function isBusy(judgement: Judgement): boolean {
  return judgement.verdict !== 'accept' && judgement.known === undefined && judgement.reason === 'busy'
}

/** What gossipsub is told of a message that is not passed on: what we had before is nobody's fault. */
function resultOf({ verdict }: Judgement): Verdict {
  return verdict === 'accept' ? 'ignore' : verdict
}
