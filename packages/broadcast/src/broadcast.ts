import { type BroadcastHandler, type BroadcastStrategy, optional, type PublishOptions } from '@gridmesh/interfaces'
import {
  NotStartedError,
  type PeerId,
  serviceCapabilities,
  serviceDependencies,
  type Startable,
} from '@libp2p/interface'
import { assemble, type Parts } from './assemble.ts'
import { type BroadcastDelivery, PublishDelivery } from './delivery.ts'
import type { KnownMessage } from './duplicate-cache.ts'
import { MessageTooLargeError, PeerQueryUnavailableError } from './errors.ts'
import { encodeFrame, type Frame } from './frame.ts'
import type { BroadcastComponents, BroadcastInit, BroadcastService } from './index.ts'
import { messageId, toHex } from './message-id.ts'
import { strategiesOf } from './plan.ts'

/** The service: decides where a message goes and hands it to the carriers. */
export class DefaultBroadcast implements BroadcastService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/broadcast'
  readonly [serviceCapabilities] = ['@gridmesh/broadcast']
  readonly [serviceDependencies] = ['@libp2p/identify']
  readonly #components: BroadcastComponents
  readonly #parts: Parts
  #running: AbortController | undefined

  constructor(components: BroadcastComponents, init: BroadcastInit) {
    this.#components = components
    this.#parts = assemble(components, init)
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    try {
      await this.#parts.router.start()
    } catch (err) {
      this.#running = undefined
      throw err
    }
  }

  /** Only now may the siblings be relied on. */
  afterStart(): void {
    if (this.#running === undefined) return
    this.#parts.direct.start(this.#running.signal)
    this.#parts.acks.start(this.#running.signal)
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    const { acks, deliveries, direct, ids, inbox, queue, router } = this.#parts
    this.#running.abort(new NotStartedError('Broadcast stopped'))
    this.#running = undefined
    acks.stop()
    direct.stop()
    queue.clear('stopped')
    inbox.stop()
    deliveries.clear()
    ids.clear()
    await router.stop()
  }

  mesh(topic: string): PeerId[] {
    return this.#parts.router.mesh(this.#parts.topics.toWire(topic))
  }

  subscribe(topic: string, handler: BroadcastHandler): () => void {
    const { gossip, inbox, router, topics } = this.#parts
    const wireTopic = topics.toWire(topic)
    if (inbox.handlers.has(topic)) throw new RangeError(`topic ${topic} has a handler already`)
    inbox.handlers.set(topic, handler)
    gossip.subscribe(wireTopic)
    return () => {
      if (inbox.handlers.get(topic) !== handler) return
      inbox.handlers.delete(topic)
      router.unsubscribe(wireTopic)
    }
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<BroadcastDelivery> {
    const { deliveries, gossip, ids, options: limits, sender, topics } = this.#parts
    const wireTopic = topics.toWire(topic)
    const { maxMessageBytes } = limits
    if (payload.length > maxMessageBytes) throw new MessageTooLargeError(payload.length, maxMessageBytes)
    if (this.#running === undefined) throw new NotStartedError('Broadcast is not started')

    const strategies = strategiesOf(options, limits.strategies)
    const peers = this.#addressees(strategies, options)
    const frame = this.#frame(wireTopic, payload, strategies, options)
    const bytes = encodeFrame(frame)
    const delivery = this.#track(toHex(messageId(wireTopic, payload)), strategies)
    const known = this.#own(delivery.id, frame)
    const signal = AbortSignal.any([this.#running.signal, ...(options.signal === undefined ? [] : [options.signal])])
    deliveries.add(delivery)
    ids.watch(delivery.id)

    const carriers = [sender.publish({ peers, lane: frame.lane, bytes, signal }, delivery)]
    if (strategies.includes('gossip')) {
      // What floods at once has no need to wait for a mesh.
      const waitMs = peers.length > 0 ? 0 : limits.meshWaitMs
      const ready = (): PeerId[] => this.#parts.peers.ready()
      carriers.push(gossip.publish({ wireTopic, frame, bytes, known, delivery, waitMs, signal, ready }))
    }
    await Promise.all(carriers)
    return delivery
  }

  /** The peers to send to one by one, each once. */
  #addressees(strategies: readonly BroadcastStrategy[], { to = [] }: PublishOptions): PeerId[] {
    if (strategies.includes('flood')) return this.#parts.peers.ready()
    if (!strategies.includes('directed')) return []
    if (Array.isArray(to)) return [...new Map(to.map((peer) => [peer.toString(), peer])).values()]
    const manager = optional(this.#components, 'peerManager')
    if (manager === undefined) throw new PeerQueryUnavailableError()
    return manager.select(to).map((record) => record.id)
  }

  #frame(
    wireTopic: string,
    payload: Uint8Array,
    strategies: readonly BroadcastStrategy[],
    options: PublishOptions,
  ): Frame {
    const isFlood = strategies.includes('flood')
    const isDirected = strategies.includes('directed')
    return {
      lane: options.lane ?? 'normal',
      isDirected,
      origin: this.#components.peerId.toMultihash().bytes,
      hops: isFlood ? this.#parts.options.hopLimit - 1 : 0,
      // Gossipsub names the topic itself.
      topic: isFlood || isDirected ? wireTopic : '',
      payload,
    }
  }

  #track(id: string, strategies: readonly BroadcastStrategy[]): PublishDelivery {
    const { metrics, options } = this.#parts
    const startedAtMs = performance.now()
    for (const strategy of strategies) metrics.published(strategy)
    return new PublishDelivery({
      id,
      maxPeers: options.maxPeersPerDelivery,
      onConfirmed: (status) => {
        if (status === 'acknowledged') metrics.acknowledgedAfter(performance.now() - startedAtMs)
      },
    })
  }

  /** Remembers a message as ours, so that its copies are not delivered to us and not flooded on again. */
  #own(id: string, frame: Frame): KnownMessage {
    const { cache } = this.#parts
    const known = cache.get(id) ?? cache.add(id, 'accept')
    known.isOwn = true
    known.verdict = 'accept'
    known.hops = Math.max(known.hops, frame.hops)
    return known
  }
}
