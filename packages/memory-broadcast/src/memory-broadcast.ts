import {
  type BroadcastHandler,
  type BroadcastStrategy,
  type Delivery,
  MessageTooLargeError,
  optional,
  PeerQueryUnavailableError,
  type PublishOptions,
} from '@gridmesh/interfaces'
import { NotStartedError, type PeerId, serviceCapabilities, type Startable } from '@libp2p/interface'
import { MAX_TOPIC_CHARACTERS } from './constants.ts'
import { MemoryDelivery } from './delivery.ts'
import type { MemoryHub } from './hub.ts'
import type { MemoryBroadcast, MemoryBroadcastComponents } from './index.ts'
import { Member, type Post } from './member.ts'
import { messageId } from './message-id.ts'

// As @gridmesh/broadcast has it, so that what passes here passes there.
const TOPIC = new RegExp(`^[!-~]{1,${MAX_TOPIC_CHARACTERS}}$`)

/** The service: hands messages to the other nodes on the hub. */
export class DefaultMemoryBroadcast implements MemoryBroadcast, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/memory-broadcast'
  readonly [serviceCapabilities] = ['@gridmesh/memory-broadcast']
  readonly #components: MemoryBroadcastComponents
  readonly #hub: MemoryHub
  readonly #member: Member
  #running: AbortController | undefined

  constructor(components: MemoryBroadcastComponents, hub: MemoryHub) {
    this.#components = components
    this.#hub = hub
    this.#member = new Member(components, hub.options)
  }

  /** @throws {RangeError} when another node with this peer id is on the hub */
  start(): void {
    if (this.#running !== undefined) return
    this.#hub.join(this.#member)
    this.#member.start()
    this.#running = new AbortController()
  }

  stop(): void {
    if (this.#running === undefined) return
    this.#running.abort()
    this.#running = undefined
    this.#hub.leave(this.#member)
    this.#member.stop()
  }

  subscribe(topic: string, handler: BroadcastHandler): () => void {
    checkTopic(topic)
    const { handlers } = this.#member
    if (handlers.has(topic)) throw new RangeError(`topic ${topic} has a handler already`)
    handlers.set(topic, handler)
    let isOver = false
    return () => {
      if (!isOver) handlers.delete(topic)
      isOver = true
    }
  }

  async publish(topic: string, bytes: Uint8Array, options: PublishOptions = {}): Promise<Delivery> {
    checkTopic(topic)
    const { maxMessageBytes, deliveryLifetimeMs } = this.#hub.options
    if (bytes.length > maxMessageBytes) throw new MessageTooLargeError(bytes.length, maxMessageBytes)
    if (this.#running === undefined) throw new NotStartedError('The broadcast is not started')
    const via = strategyOf(options)
    const peers = this.#addressees(topic, via, options)
    const post = { bytes: bytes.slice(), from: this.#member.peerId, topic, id: messageId(topic, bytes), via }
    const delivery = new MemoryDelivery(post.id, deliveryLifetimeMs, this.#running.signal)
    if (options.signal?.aborted === true) {
      for (const peer of peers) delivery.address(peer.toString(), { status: 'dropped', reason: 'aborted' })
      return delivery
    }
    this.#own(delivery)
    for (const peer of peers) this.#send(peer.toString(), post, delivery)
    return delivery
  }

  /** The peers to send to, each once. */
  #addressees(topic: string, via: BroadcastStrategy, { to = [] }: PublishOptions): PeerId[] {
    if (via !== 'directed') {
      const others = this.#hub.othersThan(this.#member)
      return others.filter(({ handlers }) => via === 'flood' || handlers.has(topic)).map(({ peerId }) => peerId)
    }
    if (Array.isArray(to)) return [...new Map(to.map((peer) => [peer.toString(), peer])).values()]
    const manager = optional(this.#components, 'peerManager')
    if (manager === undefined) throw new PeerQueryUnavailableError()
    return manager.select(to).map(({ id }) => id)
  }

  #send(peer: string, post: Post, delivery: MemoryDelivery): void {
    const member = this.#hub.find(peer)
    if (member === undefined || member === this.#member) {
      delivery.address(peer, { status: 'dropped', reason: member === undefined ? 'no-link' : 'self' })
      return
    }
    const outcome = member.receive(post)
    if (!(outcome instanceof Promise)) {
      delivery.address(peer, outcome)
      return
    }
    delivery.address(peer, { status: 'sent' })
    void outcome.then((later) => delivery.learn(peer, later))
  }

  /** Remembers a message as ours: no copy of it reaches our handler. */
  #own(delivery: MemoryDelivery): void {
    const known = this.#member.known.get(delivery.id)
    if (known === undefined) {
      this.#member.known.add(delivery.id, { verdict: 'accept', delivery })
    } else {
      known.verdict = 'accept'
      known.delivery = delivery
    }
  }
}

function checkTopic(topic: string): void {
  if (typeof topic === 'string' && TOPIC.test(topic)) return
  throw new RangeError(`topic ${JSON.stringify(topic)} must be 1 to ${MAX_TOPIC_CHARACTERS} printable ASCII characters`)
}

/** As the caller says, or as its lane does. Peers that are named make it directed. */
function strategyOf({ lane = 'normal', strategy, to }: PublishOptions): BroadcastStrategy {
  if (to !== undefined && strategy !== undefined && strategy !== 'directed') {
    throw new TypeError(`to is for directed publishes, and the strategy is ${strategy}`)
  }
  if (to !== undefined) return 'directed'
  if (strategy === 'directed') throw new TypeError('a directed publish needs its peers in to, and has none')
  return strategy ?? (lane === 'critical' ? 'flood' : 'gossip')
}
