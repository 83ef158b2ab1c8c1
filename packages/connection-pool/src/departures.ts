import {
  type Discovery,
  type GoodbyeOptions,
  type Handshake,
  optional,
  type Reason,
  type Referrals,
} from '@gridmesh/interfaces'
import { AbortError, type Logger, type PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { within } from './deadline.ts'
import type { PoolState } from './pool-state.ts'
import type { Departure } from './rooms.ts'

/** What parting needs. */
export interface DepartureComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections' | 'closeConnections'>
  handshake?: Handshake
  discovery?: Pick<Discovery, 'referrals'>
}

/**
 * Whether a goodbye is said.
 *
 * - `ready`: to ready peers; whoever asks us to part has done so where the peer was not
 * - `unparted`: to everybody who has not had one; a handshake under way is refused with it
 */
export type Farewell = 'ready' | 'unparted'

/** Parts from peers: a goodbye that says why, then the close, each with a deadline. */
export class Departures {
  readonly #components: DepartureComponents
  readonly #state: PoolState
  readonly #log: Logger
  readonly #leaving = new Map<string, Promise<void>>()
  #running: AbortSignal | undefined

  constructor(components: DepartureComponents, state: PoolState, log: Logger) {
    this.#components = components
    this.#state = state
    this.#log = log
  }

  /** Peers are parted from in peace until `running` aborts, and at once from then on. */
  start(running: AbortSignal): void {
    this.#running = running
  }

  /** The way out that a peer is on, if it is. */
  of(key: string): Promise<void> | undefined {
    return this.#leaving.get(key)
  }

  /** Parts from a peer; calls for one that is on its way out share the one way. Never rejects. */
  leave({ peer, reason }: Departure, farewell: Farewell): Promise<void> {
    const key = peer.toString()
    const leaving = this.#leaving.get(key)
    if (leaving !== undefined) return leaving
    this.#state.ledger.leave(key, reason)
    const leave = this.#leave(peer, reason, farewell).finally(() => {
      this.#leaving.delete(key)
      this.#state.ledger.left(key)
    })
    this.#leaving.set(key, leave)
    return leave
  }

  /** Resolves when nobody is leaving any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving.values())
  }

  async #leave(peer: PeerId, reason: Reason, farewell: Farewell): Promise<void> {
    // A refusal was told of already.
    const wasRefused = this.#state.ledger.of(peer.toString()).some(({ refusal }) => refusal !== undefined)
    if (wasRefused) this.#log.trace('parting from %p: %s: %s', peer, reason.code, reason.message)
    else this.#log('parting from %p: %s: %s', peer, reason.code, reason.message)
    // libp2p tells all listeners of a new connection in one go: the handshake has to have heard of it too.
    await Promise.resolve()
    const { goodbyeTimeoutMs, closeTimeoutMs } = this.#state.options
    try {
      const referrals = wasRefused ? this.#referrals(peer) : undefined
      await within(goodbyeTimeoutMs, [this.#running], (signal) =>
        this.#say(peer, reason, farewell, { signal, ...(referrals !== undefined && { referrals }) }),
      )
    } catch (err) {
      this.#log.trace('no goodbye to %p - %e', peer, err)
    }
    try {
      await within(closeTimeoutMs, [this.#running], (deadline) =>
        this.#components.connectionManager.closeConnections(peer, { signal: deadline }),
      )
    } catch (err) {
      this.#log('closing the connections to %p the hard way - %e', peer, err)
    }
    this.#abort(peer, reason)
  }

  async #say(peer: PeerId, reason: Reason, farewell: Farewell, options: GoodbyeOptions): Promise<void> {
    const handshake = optional(this.#components, 'handshake')
    if (handshake === undefined) return
    const isReady = handshake.isReady(peer)
    // A peer that is known but not ready has had its goodbye.
    const isUnparted = isReady || handshake.get(peer) === undefined
    if (farewell === 'ready' ? isReady : isUnparted) await handshake.goodbye(peer, reason, options)
  }

  /** A newcomer that knows nobody but full peers would learn of no others. */
  #referrals(peer: PeerId): Referrals | undefined {
    const discovery = optional(this.#components, 'discovery')
    if (discovery?.referrals === undefined) return undefined
    return async (options) => (await discovery.referrals?.(peer, options)) ?? []
  }

  // A remote that does not answer the close must not keep its slot by that.
  #abort(peer: PeerId, reason: Reason): void {
    for (const connection of this.#components.connectionManager.getConnections(peer)) {
      if (connection.status !== 'open' && connection.status !== 'closing') continue
      connection.abort(new AbortError(`${reason.code}: ${reason.message}`))
    }
  }
}
