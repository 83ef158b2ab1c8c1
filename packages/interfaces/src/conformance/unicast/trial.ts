import type { PeerId } from '@libp2p/interface'
import type { Unicast, UnicastOptions } from '../../carriers.ts'
import { type ConformanceCase, lawIn, type World } from '../case.ts'
import { itemAt } from '../expectations.ts'
import { Patience } from '../patience.ts'
import type { UnicastHarness, UnicastNetwork, UnicastNode } from './harness.ts'

/** Name of the handler that most cases speak with. */
export const NAME = 'conformance'
/** Deadline of calls that no case expects to meet it, in ms. */
const LONG_MS = 300_000

/** Two linked nodes: `near` calls, `far` answers. */
export class UnicastTrial implements World {
  readonly harness: UnicastHarness
  readonly patience: Patience
  readonly near: UnicastNode
  readonly far: UnicastNode
  readonly #network: UnicastNetwork

  constructor(harness: UnicastHarness, patience: Patience, network: UnicastNetwork) {
    this.harness = harness
    this.patience = patience
    this.#network = network
    this.near = itemAt(network.nodes, 0, 'nodes')
    this.far = itemAt(network.nodes, 1, 'nodes')
  }

  async stop(): Promise<void> {
    await this.#network.stop()
  }

  /** The side that answers. */
  get answerer(): Unicast {
    return this.far.unicast
  }

  /** Asks `far`, and waits no longer than the patience. */
  async ask(bytes: Uint8Array, options: UnicastOptions = {}, name: string = NAME): Promise<Uint8Array> {
    return this.patience.within('request', this.call(bytes, options, name))
  }

  /** Asks `far`, for as long as it takes. */
  async call(bytes: Uint8Array, options: UnicastOptions = {}, name: string = NAME): Promise<Uint8Array> {
    return this.near.unicast.request(this.far.peerId, name, bytes, { deadlineMs: LONG_MS, ...options })
  }

  /** A streamed call to `far`. */
  stream(
    source: AsyncIterable<Uint8Array>,
    options: UnicastOptions = {},
    name: string = NAME,
  ): AsyncIterator<Uint8Array> {
    const call = this.near.unicast.requestStream(this.far.peerId, name, source, { deadlineMs: LONG_MS, ...options })
    return call[Symbol.asyncIterator]()
  }

  /** The next item of a stream. */
  async next(answers: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array, unknown>> {
    return this.patience.within('item of a stream', answers.next())
  }

  /** What a failing call rejects with. */
  async failure(bytes: Uint8Array, options: UnicastOptions = {}, name: string = NAME): Promise<unknown> {
    return this.patience.rejection('request', this.call(bytes, options, name))
  }

  async breakLinks(): Promise<void> {
    await this.patience.within('breakLinks of the harness', this.harness.breakLinks?.(this.near, this.far))
  }

  /** The id of a peer that nobody is linked to. */
  async stranger(): Promise<PeerId> {
    const network = await this.patience.within('create of the harness', this.harness.create(1))
    await this.patience.within('stop of the harness', network.stop())
    return itemAt(network.nodes, 0, 'nodes').peerId
  }
}

/** Makes the cases of one harness. */
export class UnicastBench {
  readonly harness: UnicastHarness
  readonly #patience: Patience

  constructor(harness: UnicastHarness) {
    this.harness = harness
    this.#patience = new Patience(harness.patienceMs)
  }

  /** A case on a network of its own. */
  law(name: string, check: (trial: UnicastTrial) => Promise<void>): ConformanceCase {
    const create = async (): Promise<UnicastTrial> =>
      new UnicastTrial(this.harness, this.#patience, await this.harness.create(2))
    return lawIn(this.#patience, create, name, check)
  }
}
