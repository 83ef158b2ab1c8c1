import { optional, type Reason, requireName } from '@gridmesh/interfaces'
import {
  type AbortOptions,
  type Connection,
  type Logger,
  NotStartedError,
  type PeerId,
  serviceCapabilities,
  type Startable,
  TypedEventEmitter,
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Acquirer } from './acquirer.ts'
import { Crossings } from './crossings.ts'
import { raced } from './deadline.ts'
import { Departures } from './departures.ts'
import { DialRules } from './dial-rules.ts'
import { Dialer } from './dialer.ts'
import { Feed } from './feed.ts'
import type { Gate, Refusal } from './gate.ts'
import type {
  AcquireOptions,
  ConnectionPoolComponents,
  ConnectionPoolEvents,
  ConnectionPoolService,
  PoolUsage,
} from './index.ts'
import { PoolMetrics } from './metrics.ts'
import type { PoolState } from './pool-state.ts'
import { Reception } from './reception.ts'
import { Repeats } from './repeats.ts'
import type { Departure } from './rooms.ts'
import { SiblingView } from './sibling-view.ts'
import { Upkeep } from './upkeep.ts'
import { usageOf } from './usage.ts'

/** The pool as a libp2p service, over the state that it shares with the gater. */
export class DefaultConnectionPool
  extends TypedEventEmitter<ConnectionPoolEvents>
  implements ConnectionPoolService, Startable
{
  readonly [Symbol.toStringTag] = '@gridmesh/connection-pool'
  readonly [serviceCapabilities] = ['@gridmesh/connection-pool']
  readonly #components: ConnectionPoolComponents
  readonly #state: PoolState
  readonly #gate: Gate
  readonly #log: Logger
  readonly #metrics: PoolMetrics
  readonly #departures: Departures
  readonly #crossings: Crossings
  readonly #reception: Reception
  readonly #dialer: Dialer
  readonly #acquirer: Acquirer
  readonly #feed: Feed
  readonly #refusals = new Repeats()
  readonly #upkeep: Upkeep
  #running: AbortController | undefined

  constructor(components: ConnectionPoolComponents, state: PoolState, gate: Gate) {
    super()
    this.#components = components
    this.#state = state
    this.#gate = gate
    this.#log = components.logger.forComponent('gridmesh:connection-pool')
    const view = new SiblingView(components)
    this.#departures = new Departures(components, state, this.#log)
    this.#crossings = new Crossings(state, gate.links, this.#log, () => this.#metrics.evicted('duplicate'))
    this.#reception = this.#createReception(view)
    this.#dialer = this.#createDialer()
    this.#metrics = new PoolMetrics(components.metrics, state, () => this.#dialer.counts)
    this.#acquirer = this.#createAcquirer()
    this.#feed = this.#createFeed()
    this.#upkeep = this.#createUpkeep(view)
    state.view = view
    state.isDialling = (key) => this.#dialer.get(key)?.isRunning === true
    gate.attach(this.#reception)
  }

  /** @throws {ServiceNameError} when no service is named `connectionPool` */
  start(): void {
    if (this.#running !== undefined) return
    requireName(this.#components, 'connectionPool')
    this.#running = new AbortController()
    this.#state.isShut = false
    this.#departures.start(this.#running.signal)
    this.#acquirer.start(this.#running.signal)
    this.#feed.start()
    this.#upkeep.start()
    for (const connection of this.#components.connectionManager.getConnections()) this.#reception.opened(connection)
  }

  /** Listens to the peer manager, which may have been constructed after the pool. */
  afterStart(): void {
    if (this.#running !== undefined) this.#feed.join()
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    this.#running.abort(new NotStartedError('The pool was stopped'))
    this.#running = undefined
    this.#state.isShut = true
    this.#feed.stop()
    this.#upkeep.stop()
    this.#dialer.stop()
    this.#crossings.stop()
    await this.#departures.settled()
    this.#gate.links.clear()
    this.#state.shut()
  }

  async acquire(peer: PeerId, options: AcquireOptions = {}): Promise<Connection> {
    return this.#acquirer.acquire(peer, options)
  }

  find(peer: PeerId): Connection | undefined {
    return this.#acquirer.find(peer)
  }

  async probe(peer: PeerId, addresses: readonly Multiaddr[], options: AbortOptions = {}): Promise<void> {
    await this.#acquirer.probe(peer, addresses, options)
  }

  async disconnect(peer: PeerId, reason: Reason, options: AbortOptions = {}): Promise<void> {
    await raced(this.#departures.leave({ peer, reason }, 'ready'), options.signal)
  }

  usage(): PoolUsage {
    return usageOf(this.#state)
  }

  #createReception(view: SiblingView): Reception {
    return new Reception({
      state: this.#state,
      gate: this.#gate,
      departures: this.#departures,
      crossings: this.#crossings,
      view,
      log: this.#log,
      onRefused: (refusal) => this.#onRefused(refusal),
      onReplaced: (peer, reason) => {
        this.#log('closed the oldest connection to %p: %s', peer, reason.message)
        this.#metrics.evicted(reason.code)
      },
      onEvicted: (departure) => this.#onEvicted(departure),
    })
  }

  #createDialer(): Dialer {
    const rules = new DialRules(this.#state)
    return new Dialer(this.#components, this.#state, this.#log, (peer, underway) => {
      const reason = rules.peerReason(peer, underway)
      if (reason !== undefined) this.#onRefused({ direction: 'outbound', peer, reason })
      return reason
    })
  }

  #createAcquirer(): Acquirer {
    return new Acquirer({
      connectionManager: this.#components.connectionManager,
      state: this.#state,
      links: this.#gate.links,
      departures: this.#departures,
      dialer: this.#dialer,
      whenReady: async (peer, signal) => {
        await optional(this.#components, 'handshake')?.whenReady(peer, { ...(signal !== undefined && { signal }) })
      },
      onOutcome: (outcome) => this.#metrics.acquired(outcome),
      onRefused: (peer, reason) => this.#onRefused({ direction: 'outbound', peer, reason }),
    })
  }

  #createFeed(): Feed {
    return new Feed(this.#components, this.#log, {
      onOpen: (connection) => this.#reception.opened(connection),
      onClose: (connection) => this.#reception.closed(connection),
      onReady: (peer) => {
        this.#state.rests.forget(peer.toString())
        this.#reception.settleRole(peer)
      },
      onUseful: (peer) => this.#reception.useful(peer),
    })
  }

  #createUpkeep(view: SiblingView): Upkeep {
    const { connectionManager } = this.#components
    return new Upkeep(this.#state, this.#gate.links, view, connectionManager, this.#log, {
      onDrift: (kind) => this.#metrics.drifted(kind),
      onUnknown: (connection) => this.#reception.opened(connection),
      onRoleDue: (peer) => this.#reception.settleRole(peer),
    })
  }

  #onRefused({ direction, key, peer, address, reason }: Refusal): void {
    const name = peer?.toString() ?? key
    const who = name ?? 'somebody'
    const before = this.#refusals.note(`${who} ${reason.code}`, performance.now())
    // A peer that is asked for by its id alone has no address yet.
    const where = address === undefined ? who : `${who} ${address.toString()}`
    if (before === undefined) this.#log.trace('refused %s %s again: %s', direction, where, reason.message)
    else this.#log('refused %s %s, %d times more before: %s', direction, where, before, reason.message)
    this.#metrics.refused(reason.code)
    if (direction === 'outbound' && name !== undefined) this.#dialer.noteRefusal(name, reason)
    const known = { ...(peer !== undefined && { peer }), ...(address !== undefined && { address }) }
    this.safeDispatchEvent('pool:refused', { detail: { ...known, reason } })
  }

  #onEvicted(departure: Departure): void {
    this.#metrics.evicted(departure.reason.code)
    this.safeDispatchEvent('pool:evicted', { detail: departure })
  }
}
