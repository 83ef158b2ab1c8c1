import {
  type GossipSub,
  type GossipSubEvents,
  type GossipsubOpts,
  type PublishResult,
  StrictNoSign,
  TopicValidatorResult,
  type TopicValidatorFn,
} from '@libp2p/gossipsub'
import { type PeerId, type Startable, TypedEventEmitter } from '@libp2p/interface'

/** A router with the peers it is given, and no network: what the `gossip` option may put in gossipsub's place. */
export class TestRouter extends TypedEventEmitter<GossipSubEvents> implements GossipSub, Startable {
  readonly globalSignaturePolicy = StrictNoSign
  readonly protocols: string[] = []
  readonly topicValidators = new Map<string, TopicValidatorFn>()
  readonly published: { topic: string; data: Uint8Array }[] = []
  readonly topics = new Set<string>()
  subscribers: PeerId[] = []
  /** Options that it was given; it asks for message ids as gossipsub does. */
  options: Partial<GossipsubOpts> = {}
  isStarted = false

  start(): void {
    this.isStarted = true
  }

  stop(): void {
    this.isStarted = false
    this.topics.clear()
  }

  getPeers(): PeerId[] {
    return this.subscribers
  }

  getTopics(): string[] {
    return [...this.topics]
  }

  subscribe(topic: string): void {
    this.topics.add(topic)
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic)
  }

  getSubscribers(): PeerId[] {
    return this.subscribers
  }

  async publish(topic: string, data: Uint8Array = new Uint8Array()): Promise<PublishResult> {
    this.published.push({ topic, data })
    return { recipients: this.subscribers }
  }

  /** What the service says to a message from `peer`. */
  async validate(peer: PeerId, topic: string, data: Uint8Array): Promise<TopicValidatorResult> {
    const message = { type: 'unsigned', topic, data } as const
    if (this.options.msgIdFn !== undefined) await this.options.msgIdFn(message)
    return (await this.topicValidators.get(topic)?.(peer, message)) ?? TopicValidatorResult.Ignore
  }
}
