import type { GossipSub, GossipSubEvents, TopicValidatorFn } from '@libp2p/gossipsub'
import { type PeerId, start, stop } from '@libp2p/interface'
import { abortable } from './abortable.ts'

/** What a publish by gossip came to. */
export interface GossipResult {
  /** Peers the message was handed to. */
  recipients: PeerId[]
  /** Peers of our mesh it could not be handed to. */
  missed: string[]
}

/** Whenever one of these fires, the peers that can be reached may have changed. */
const REACH_EVENTS = [
  'subscription-change',
  'gossipsub:graft',
  'gossipsub:heartbeat',
] as const satisfies (keyof GossipSubEvents)[]

/** What gossipsub has beyond its interface, and another router might not have. */
interface Inspectable {
  getMeshPeers(topic: string): string[]
  streamsOutbound: ReadonlyMap<string, unknown>
}

/** Gossipsub, as far as this package uses it. Topics are those of the wire. */
export class GossipRouter {
  readonly #router: GossipSub
  readonly #topics = new Set<string>()
  #isStarted = false

  constructor(router: GossipSub) {
    this.#router = router
  }

  async start(): Promise<void> {
    await start(this.#router)
    this.#isStarted = true
    // Gossipsub forgets its subscriptions when it stops.
    for (const topic of this.#topics) this.#router.subscribe(topic)
  }

  async stop(): Promise<void> {
    this.#isStarted = false
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
   * neither the subscriptions of peers nor our streams to them are there yet.
   */
  async whenReachable(topic: string, waitMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#isReachable(topic)) return true
    if (waitMs === 0 || signal?.aborted === true) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const onChange = (): void => {
      if (this.#isReachable(topic)) resolve(true)
    }
    const timer = setTimeout(() => resolve(false), waitMs)
    for (const event of REACH_EVENTS) this.#router.addEventListener(event, onChange)
    try {
      return await abortable(promise, signal).catch(() => false)
    } finally {
      clearTimeout(timer)
      for (const event of REACH_EVENTS) this.#router.removeEventListener(event, onChange)
    }
  }

  async publish(topic: string, bytes: Uint8Array, isNew: boolean): Promise<GossipResult> {
    const mesh = isNew && isInspectable(this.#router) ? this.#router.getMeshPeers(topic) : []
    const { recipients } = await this.#router.publish(topic, bytes)
    const reached = new Set(recipients.map(String))
    return { recipients, missed: mesh.filter((peer) => !reached.has(peer)) }
  }

  #isReachable(topic: string): boolean {
    const router = this.#router
    const peers = router.getSubscribers(topic)
    return isInspectable(router) ? peers.some((peer) => router.streamsOutbound.has(peer.toString())) : peers.length > 0
  }
}

function isInspectable(router: GossipSub): router is GossipSub & Inspectable {
  return 'getMeshPeers' in router && 'streamsOutbound' in router && router.streamsOutbound instanceof Map
}
