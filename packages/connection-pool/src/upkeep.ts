import type { Connection, Logger, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Link, Links } from './links.ts'
import type { Drift } from './metrics.ts'
import type { PoolState } from './pool-state.ts'
import type { SiblingView } from './sibling-view.ts'

/** What is done with what the upkeep finds. */
export interface UpkeepHooks {
  onDrift(kind: Drift): void
  /** libp2p lists a connection that we did not know. */
  onUnknown(connection: Connection): void
  /** A peer has had its time to say its role. */
  onRoleDue(peer: PeerId): void
}

/** What is done now and then: to compare with libp2p, to settle roles, to see who is silent. */
export class Upkeep {
  readonly #state: PoolState
  readonly #links: Links
  readonly #view: SiblingView
  readonly #connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly #hooks: UpkeepHooks
  readonly #log: Logger
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(
    state: PoolState,
    links: Links,
    view: SiblingView,
    connectionManager: Pick<ConnectionManager, 'getConnections'>,
    log: Logger,
    hooks: UpkeepHooks,
  ) {
    this.#state = state
    this.#links = links
    this.#view = view
    this.#connectionManager = connectionManager
    this.#log = log
    this.#hooks = hooks
  }

  start(): void {
    this.#timer ??= setInterval(() => this.run(), this.#state.options.reconcileIntervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#view.retain(() => false)
  }

  /** One round. Runs in a timer, where an error of a sibling would end the process. */
  run(): void {
    try {
      this.#reconcile()
      this.#settleRoles()
      this.#watch()
    } catch (err) {
      this.#log.error('could not finish the upkeep - %e', err)
    }
  }

  #reconcile(): void {
    const listed = this.#connectionManager.getConnections()
    const ids = new Set(listed.map(({ id }) => id))
    const gone = this.#links.connected().filter(({ connection }) => !ids.has(connection?.id ?? ''))
    for (const link of new Set<Link>([...this.#links.lost(), ...gone.filter(isClosed)])) {
      this.#hooks.onDrift('lost')
      this.#links.drop(link)
    }
    for (const connection of listed) {
      if (connection.status !== 'open' || this.#links.find(connection)?.connection !== undefined) continue
      this.#hooks.onDrift('unknown')
      this.#hooks.onUnknown(connection)
    }
  }

  #settleRoles(): void {
    const nowMs = performance.now()
    for (const ticket of this.#state.ledger.holders('reserved')) {
      const { claim } = ticket.reservation ?? {}
      if (claim === 'id' || claim === 'proven' || ticket.peer === undefined) continue
      if (nowMs - ticket.openedAtMs >= this.#state.options.roleTimeoutMs) this.#hooks.onRoleDue(ticket.peer)
    }
  }

  #watch(): void {
    const residents = this.#state.ledger.residents()
    for (const tickets of residents.values()) {
      const peer = tickets[0]?.peer
      if (peer !== undefined) this.#view.watch(peer, Math.min(...tickets.map(({ openedAtMs }) => openedAtMs)))
    }
    this.#view.retain((key) => residents.has(key))
  }
}

function isClosed({ connection }: Link): boolean {
  return connection?.status !== 'open'
}
