import {
  type BroadcastHandler,
  MessageTooLargeError,
  type PublishOptions,
  type SubscribeOptions,
} from '@gridmesh/interfaces'
import {
  NotStartedError,
  type PeerId,
  serviceCapabilities,
  serviceDependencies,
  type Startable,
} from '@libp2p/interface'
import { assemble, type Parts } from './assemble.ts'
import type { BroadcastDelivery } from './delivery.ts'
import type { BroadcastComponents, BroadcastInit, BroadcastService } from './index.ts'

/** The service: starts and stops the parts, and checks what callers ask. */
export class DefaultBroadcast implements BroadcastService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/broadcast'
  readonly [serviceCapabilities] = ['@gridmesh/broadcast']
  readonly [serviceDependencies] = ['@libp2p/identify']
  readonly #parts: Parts
  #lifecycle: Promise<void> = Promise.resolve()
  #running: AbortController | undefined

  constructor(components: BroadcastComponents, init: BroadcastInit) {
    this.#parts = assemble(components, init)
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#running !== undefined) return
      this.#running = new AbortController()
      this.#parts.retained.start()
      try {
        await this.#parts.router.start()
      } catch (err) {
        await this.#end()
        throw err
      }
    })
  }

  /** Only now may the siblings be relied on. */
  afterStart(): void {
    if (this.#running === undefined) return
    const { acks, direct, peers, puller, router, server, siblings, tree } = this.#parts
    siblings.settle()
    peers.whenReady((peer) => router.meet(peer), this.#running.signal)
    puller.start()
    server.start()
    direct.start(this.#running.signal)
    tree.start(this.#running.signal)
    acks.start(this.#running.signal)
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => this.#end())
  }

  mesh(topic: string): PeerId[] {
    return this.#parts.router.mesh(this.#parts.topics.toWire(topic))
  }

  unreached(): string[] {
    const { inbox, router, topics } = this.#parts
    return [...inbox.subscriptions.keys()].filter((topic) => router.reachable(topics.toWire(topic)).size === 0)
  }

  subscribe(topic: string, handler: BroadcastHandler, { lane = 'normal' }: SubscribeOptions = {}): () => void {
    const { gossip, inbox, puller, router, topics } = this.#parts
    const wireTopic = topics.toWire(topic)
    if (inbox.subscriptions.has(topic)) throw new RangeError(`topic ${topic} has a handler already`)
    const subscription = { handler, lane }
    inbox.subscriptions.set(topic, subscription)
    gossip.subscribe(wireTopic)
    return () => {
      if (inbox.subscriptions.get(topic) !== subscription) return
      inbox.subscriptions.delete(topic)
      puller.abandon(topic)
      router.unsubscribe(wireTopic)
    }
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<BroadcastDelivery> {
    const { options: limits, publisher, topics } = this.#parts
    const { maxMessageBytes } = limits
    const wireTopic = topics.toWire(topic)
    if (payload.length > maxMessageBytes) throw new MessageTooLargeError(payload.length, maxMessageBytes)
    if (this.#running === undefined) throw new NotStartedError('Broadcast is not started')
    return publisher.publish({ wireTopic, payload, options, running: this.#running.signal })
  }

  // A stop that overtook a start would find a router that it cannot stop yet, and leave it running.
  #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#lifecycle.then(step)
    this.#lifecycle = turn.catch(() => undefined)
    return turn
  }

  async #end(): Promise<void> {
    if (this.#running === undefined) return
    const { acks, deliveries, direct, gossip, ids, inbox, puller, queue, retained, router, server, siblings, tree } =
      this.#parts
    this.#running.abort(new NotStartedError('Broadcast stopped'))
    this.#running = undefined
    acks.stop()
    direct.stop()
    gossip.stop()
    tree.stop()
    server.stop()
    puller.stop()
    queue.clear('stopped')
    inbox.stop()
    deliveries.clear()
    ids.clear()
    retained.stop()
    siblings.unsettle()
    await router.stop()
  }
}
