import {
  type GossipSub,
  type GossipSubEvents,
  type Message,
  TopicValidatorResult,
  type TopicValidatorFn,
} from '@libp2p/gossipsub'
import { type Logger, type PeerId, start, stop } from '@libp2p/interface'
import { raceSignal } from 'race-signal'
import type { GossipStreams } from './gossip-peers.ts'
import type { GossipTopology } from './gossip-topology.ts'
import { Newcomers } from './newcomers.ts'

/** What a publish by gossip came to. */
export interface GossipResult {
  /** Peers the message was handed to. */
  recipients: PeerId[]
  /** Peers of our mesh it could not be handed to. */
  missed: string[]
}

/** Which topic is to be reachable, and how long that may take. */
export interface ReachRequest {
  topic: string
  /** The peers that ought to subscribe, as of now. */
  ready: () => readonly PeerId[]
  waitMs: number
  signal: AbortSignal
}

/** Whenever one of these fires, the peers that can be reached may have changed. */
const REACH_EVENTS = [
  'subscription-change',
  'gossipsub:graft',
  'gossipsub:heartbeat',
] as const satisfies (keyof GossipSubEvents)[]

/** What gossipsub has beyond its interface, and another router might not have. */
interface Inspectable extends GossipStreams {
  getMeshPeers(topic: string): string[]
}

/** A router that passes on when it is told to, and not before. */
interface Told {
  reportMessageValidationResult(id: string, from: string, result: TopicValidatorResult): void
}

/** A router whose messages can be kept under another id than the one that it asked for. */
interface Caching {
  mcache: { put(id: { msgId: Uint8Array; msgIdStr: string }, message: { topic: string; data: Uint8Array }): boolean }
}

/** A message that was accepted, and who brought it first. */
interface Accepted {
  id: string
  from: string
}

/** Gossipsub, as far as this package uses it. Topics are those of the wire. */
export class GossipRouter {
  readonly #router: GossipSub
  readonly #topology: GossipTopology
  readonly #log: Logger
  readonly #topics = new Set<string>()
  readonly #newcomers = new Newcomers()
  /** Publishes that wait for peers. */
  readonly #waiting = new Set<() => void>()
  /** What is passed on with the next turn of the event loop. */
  #accepted: Accepted[] = []
  #isStarted = false

  constructor(router: GossipSub, topology: GossipTopology, log: Logger) {
    this.#router = router
    this.#topology = topology
    this.#log = log
    if (isInspectable(router)) topology.follow(router, this.#onReach)
  }

  async start(): Promise<void> {
    await start(this.#router)
    this.#isStarted = true
    this.#router.addEventListener('gossipsub:heartbeat', this.#onHeartbeat)
    this.#router.addEventListener('gossipsub:message', this.#onAccepted)
    for (const event of REACH_EVENTS) this.#router.addEventListener(event, this.#onReach)
    // Gossipsub forgets its subscriptions when it stops.
    for (const topic of this.#topics) this.#router.subscribe(topic)
    this.#topology.start()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#router.removeEventListener('gossipsub:heartbeat', this.#onHeartbeat)
    this.#router.removeEventListener('gossipsub:message', this.#onAccepted)
    this.#passOn()
    for (const event of REACH_EVENTS) this.#router.removeEventListener(event, this.#onReach)
    this.#newcomers.clear()
    this.#topology.stop()
    await stop(this.#router)
  }

  subscribe(topic: string, validator: TopicValidatorFn): void {
    this.#topics.add(topic)
    this.#router.topicValidators.set(topic, validator)
    if (this.#isStarted) this.#router.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic)
    this.#router.topicValidators.delete(topic)
    if (this.#isStarted) this.#router.unsubscribe(topic)
  }

  isSubscribed(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Peers that we and they have agreed to exchange messages of `topic` with. */
  mesh(topic: string): PeerId[] {
    const inMesh = isInspectable(this.#router) ? new Set(this.#router.getMeshPeers(topic)) : undefined
    return this.#router.getSubscribers(topic).filter((peer) => inMesh?.has(peer.toString()) ?? true)
  }

  /**
   * Resolves with whether a peer of `topic` can be reached, at once or within `waitMs`: right after connecting,
   * neither the subscriptions of peers nor our streams to them are there yet. Each of the `ready` peers is waited for,
   * once: a message published while only some have subscribed would pass the others by for good.
   */
  async whenReachable({ topic, ready, waitMs, signal }: ReachRequest): Promise<boolean> {
    const isDone = (): boolean => {
      const reachable = this.reachable(topic)
      return reachable.size > 0 && this.#newcomers.of(topic, ready(), reachable).length === 0
    }
    if (isDone()) return true
    if (waitMs === 0 || signal.aborted) return this.reachable(topic).size > 0
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const onChange = (): void => {
      if (isDone()) resolve(true)
    }
    const onTimeout = (): void => {
      const reachable = this.reachable(topic)
      this.#newcomers.giveUp(topic, ready(), reachable)
      resolve(reachable.size > 0)
    }
    const timer = setTimeout(onTimeout, waitMs)
    this.#waiting.add(onChange)
    try {
      return await raceSignal(promise, signal).catch(() => false)
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(onChange)
    }
  }

  async publish(topic: string, bytes: Uint8Array, isNew: boolean): Promise<GossipResult> {
    const mesh = isNew && isInspectable(this.#router) ? this.#router.getMeshPeers(topic) : []
    const { recipients } = await this.#router.publish(topic, bytes)
    const reached = new Set(recipients.map(String))
    return { recipients, missed: mesh.filter((peer) => !reached.has(peer)) }
  }

  /**
   * Passes on an accepted message of which gossipsub has seen the id, and ignored the first copy. It would publish it no
   * more. Another router passes it by.
   */
  passOn(id: { bytes: Uint8Array; hex: string }, { topic, data }: Message, from: PeerId): void {
    if (!isCaching(this.#router)) return
    const isNew = this.#router.mcache.put({ msgId: id.bytes, msgIdStr: id.hex }, { topic, data })
    if (isNew) this.#passOnSoon({ id: id.hex, from: from.toString() })
  }

  /** Subscribers that we have a stream to: gossipsub passes the others by. */
  subscribers(topic: string): PeerId[] {
    return this.#router.getSubscribers(topic).filter((peer) => this.#topology.hasStream(peer.toString()))
  }

  /** As `subscribers`, by id string. */
  reachable(topic: string): Set<string> {
    return new Set(this.subscribers(topic).map(String))
  }

  /** Calls back for each peer that comes into the mesh of a topic, until `signal` aborts. */
  whenGrafted(listener: (topic: string, peer: PeerId) => void, signal: AbortSignal): void {
    const onGraft = ({ detail: { topic, peerId } }: GossipSubEvents['gossipsub:graft']): void => {
      const peer = this.mesh(topic).find((neighbour) => neighbour.toString() === peerId)
      if (peer !== undefined) listener(topic, peer)
    }
    this.#router.addEventListener('gossipsub:graft', onGraft)
    signal.addEventListener('abort', () => this.#router.removeEventListener('gossipsub:graft', onGraft), { once: true })
  }

  /** Calls back with each heartbeat, until `signal` aborts. */
  whenBeating(listener: () => void, signal: AbortSignal): void {
    const onBeat = (): void => listener()
    this.#router.addEventListener('gossipsub:heartbeat', onBeat)
    signal.addEventListener('abort', () => this.#router.removeEventListener('gossipsub:heartbeat', onBeat), {
      once: true,
    })
  }

  /** A peer is ready: whether it gossips is found out at once. */
  meet(peer: PeerId): void {
    if (this.#isStarted) this.#topology.meet(peer)
  }

  /**
   * Gossipsub tells of what the validator accepted. What is in the sockets by now may be further copies of it, and who
   * sent one needs none: so all of that is read first.
   */
  readonly #onAccepted = ({ detail }: GossipSubEvents['gossipsub:message']): void =>
    this.#passOnSoon({ id: detail.msgId, from: detail.propagationSource.toString() })

  #passOnSoon(accepted: Accepted): void {
    if (this.#accepted.push(accepted) === 1) setImmediate(this.#passOn)
  }

  readonly #passOn = (): void => {
    const accepted = this.#accepted
    this.#accepted = []
    if (!isTold(this.#router)) return
    for (const { id, from } of accepted) {
      try {
        this.#router.reportMessageValidationResult(id, from, TopicValidatorResult.Accept)
      } catch (err) {
        this.#log.error('could not pass on %s - %e', id, err)
      }
    }
  }

  readonly #onHeartbeat = (): void => this.#topology.retell()

  readonly #onReach = (): void => {
    for (const onChange of this.#waiting) onChange()
  }
}

function isInspectable(router: GossipSub): router is GossipSub & Inspectable {
  return (
    'getMeshPeers' in router &&
    'streamsOutbound' in router &&
    router.streamsOutbound instanceof Map &&
    'streamsInbound' in router &&
    router.streamsInbound instanceof Map
  )
}

function isTold(router: GossipSub): router is GossipSub & Told {
  return 'reportMessageValidationResult' in router
}

function isCaching(router: GossipSub): router is GossipSub & Caching {
  if (!('mcache' in router)) return false
  const { mcache } = router
  return typeof mcache === 'object' && mcache !== null && 'put' in mcache && typeof mcache.put === 'function'
}
