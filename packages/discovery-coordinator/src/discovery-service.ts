import { requireName } from '@gridmesh/interfaces'
import {
  type AbortOptions,
  type Connection,
  type PeerId,
  serviceCapabilities,
  type Startable,
  TypedEventEmitter,
} from '@libp2p/interface'
import { Coordinator } from './coordinator.ts'
import type { DiscoveryComponents, DiscoveryEvents, DiscoveryInit, DiscoveryService } from './index.ts'
import { resolveOptions } from './options.ts'
import type { DiscoveryStats } from './stats.ts'

/** The thin service over the coordinator: the contract, the events and the life cycle. */
export class DefaultDiscovery extends TypedEventEmitter<DiscoveryEvents> implements DiscoveryService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/discovery-coordinator'
  readonly [serviceCapabilities] = ['@gridmesh/discovery-coordinator']
  readonly #components: DiscoveryComponents
  readonly #coordinator: Coordinator

  constructor(components: DiscoveryComponents, init: DiscoveryInit = {}) {
    super()
    this.#components = components
    const options = resolveOptions(init)
    const strategies = options.strategies.map((one) => (typeof one === 'function' ? one(components) : one))
    const log = components.logger.forComponent('gridmesh:discovery-coordinator')
    const listener = {
      onCandidate: (detail: DiscoveryEvents['discovery:candidate']['detail']) => {
        this.safeDispatchEvent('discovery:candidate', { detail })
      },
      onMinimum: (detail: DiscoveryEvents['discovery:minimum']['detail']) => {
        this.safeDispatchEvent('discovery:minimum', { detail })
      },
      onAlone: () => this.safeDispatchEvent('discovery:alone'),
    }
    this.#coordinator = new Coordinator(components, options, strategies, listener, log)
  }

  /** Starts the strategies, which listen from now on. @throws {ServiceNameError} when no service is named `discovery` */
  async start(): Promise<void> {
    requireName(this.#components, 'discovery')
    await this.#coordinator.prepare()
  }

  /** Begins to look, since siblings are started by now. */
  afterStart(): void {
    this.#coordinator.start()
  }

  /** Ends the search before links are closed, or each closed one would be news. */
  async beforeStop(): Promise<void> {
    await this.#coordinator.end()
  }

  async stop(): Promise<void> {
    await this.#coordinator.stop()
  }

  async discoverNow(options: AbortOptions = {}): Promise<number> {
    return this.#coordinator.discoverNow(options.signal)
  }

  async referrals(asker: PeerId, { signal }: { signal: AbortSignal }): Promise<readonly Uint8Array[]> {
    return this.#coordinator.referrals(asker, signal)
  }

  referred(records: readonly Uint8Array[], connection: Connection): void {
    this.#coordinator.referred(records, connection)
  }

  stats(): DiscoveryStats {
    return this.#coordinator.stats()
  }
}
