import assert from 'node:assert/strict'
import type { PeerId } from '@libp2p/interface'
import type {
  BroadcastContext,
  BroadcastHandler,
  BroadcastStrategy,
  Delivery,
  PublishOptions,
  Verdict,
} from '../../carriers.ts'
import { type ConformanceCase, lawIn, type World } from '../case.ts'
import { hexOf, itemAt, textBytes } from '../expectations.ts'
import { Patience } from '../patience.ts'
import type { BroadcastHarness, BroadcastNetwork, BroadcastNetworkOptions, BroadcastNode } from './harness.ts'

export const TOPIC = 'conformance'

/** What one handler was given, in order. */
export class Inbox {
  readonly arrivals: { hex: string; context: BroadcastContext }[] = []

  count(bytes: Uint8Array): number {
    const hex = hexOf(bytes)
    return this.arrivals.filter((arrival) => arrival.hex === hex).length
  }

  has(bytes: Uint8Array): boolean {
    return this.count(bytes) > 0
  }
}

/** A network, and what a case does with it. */
export class BroadcastTrial implements World {
  readonly harness: BroadcastHarness
  readonly patience: Patience
  readonly #network: BroadcastNetwork
  readonly #subscribers = new Set<BroadcastNode>()
  #fences = 0

  constructor(harness: BroadcastHarness, patience: Patience, network: BroadcastNetwork) {
    this.harness = harness
    this.patience = patience
    this.#network = network
  }

  async stop(): Promise<void> {
    await this.#network.stop()
  }

  node(index: number): BroadcastNode {
    return itemAt(this.#network.nodes, index, 'nodes')
  }

  id(index: number): PeerId {
    return this.node(index).peerId
  }

  /** Subscribes a node with a handler that notes what it gets and judges it all alike. */
  listen(index: number, verdict: Verdict | BroadcastHandler = 'accept', topic: string = TOPIC): Inbox {
    const inbox = new Inbox()
    const node = this.node(index)
    node.broadcast.subscribe(topic, (bytes, context) => {
      inbox.arrivals.push({ hex: hexOf(bytes), context })
      return typeof verdict === 'string' ? verdict : verdict(bytes, context)
    })
    if (topic === TOPIC) this.#subscribers.add(node)
    return inbox
  }

  /** Publishes by a strategy; a directed message goes to every other node. */
  async publish(
    index: number,
    bytes: Uint8Array,
    strategy?: BroadcastStrategy,
    options: PublishOptions = {},
  ): Promise<Delivery> {
    const others = this.#network.nodes.filter((node) => node !== this.node(index)).map(({ peerId }) => peerId)
    await this.patience.within('ready of the harness', this.harness.ready?.([...this.#subscribers], TOPIC))
    const published = this.node(index).broadcast.publish(TOPIC, bytes, {
      ...(strategy !== undefined && { strategy }),
      ...(strategy === 'directed' && { to: others }),
      ...options,
    })
    return this.patience.within('publish', published)
  }

  /** Resolves once each inbox has the bytes. */
  async arrived(bytes: Uint8Array, ...inboxes: readonly Inbox[]): Promise<void> {
    await this.patience.until(`arrival of ${hexOf(bytes)}`, () => inboxes.every((inbox) => inbox.has(bytes)))
  }

  /** Publishes a message that must arrive: what was published before it, and could arrive, is there by then. */
  async fence(index: number, strategy: BroadcastStrategy | undefined, ...inboxes: readonly Inbox[]): Promise<void> {
    const bytes = textBytes(`fence ${this.#fences++}`)
    await this.publish(index, bytes, strategy)
    await this.arrived(bytes, ...inboxes)
  }

  /** The id of a peer that nobody is linked to. */
  async stranger(): Promise<PeerId> {
    const network = await this.patience.within('create of the harness', this.harness.create(1, { links: 'all' }))
    await this.patience.within('stop of the harness', network.stop())
    return itemAt(network.nodes, 0, 'nodes').peerId
  }
}

/** Makes the cases of one harness. */
export class BroadcastBench {
  readonly harness: BroadcastHarness
  readonly #patience: Patience

  constructor(harness: BroadcastHarness) {
    this.harness = harness
    this.#patience = new Patience(harness.patienceMs)
  }

  get strategies(): readonly BroadcastStrategy[] {
    return this.harness.strategies ?? ['gossip', 'flood', 'tree', 'directed']
  }

  /** A case on a network of its own. */
  law(
    name: string,
    nodes: number,
    check: (trial: BroadcastTrial) => Promise<void> | void,
    options: Partial<BroadcastNetworkOptions> = {},
  ): ConformanceCase {
    const create = async (): Promise<BroadcastTrial> => {
      const network = await this.harness.create(nodes, { links: 'all', ...options })
      return new BroadcastTrial(this.harness, this.#patience, network)
    }
    return lawIn(this.#patience, create, name, check)
  }
}

/** Every outcome of a delivery is one that the contract has. */
export function assertOutcomes(delivery: Delivery): void {
  for (const [peer, outcome] of delivery.peers) {
    if (outcome.status === 'dropped') {
      assert.ok(typeof outcome.reason === 'string' && outcome.reason !== '', `${peer} was dropped for no reason`)
    } else {
      assert.ok(['sent', 'acknowledged', 'seen'].includes(outcome.status), `${peer} has the outcome ${outcome.status}`)
    }
  }
  assert.ok(delivery.successRate >= 0 && delivery.successRate <= 1, `successRate is ${delivery.successRate}`)
}

/** Exactly these peers have an outcome. */
export function assertAddressed(delivery: Delivery, peers: readonly PeerId[]): void {
  assertOutcomes(delivery)
  assert.deepEqual([...delivery.peers.keys()].toSorted(), peers.map((peer) => peer.toString()).toSorted())
}
