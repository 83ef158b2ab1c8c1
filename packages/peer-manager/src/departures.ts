import { optional, type Reason } from '@gridmesh/interfaces'
import { type Logger, type PeerId, TimeoutError } from '@libp2p/interface'
import { within } from './deadline.ts'
import type { PeerManagerComponents } from './index.ts'
import type { PeerManagerMetrics } from './metrics.ts'
import type { PeerManagerOptions } from './options.ts'

/** Parts from peers: a goodbye that says why, then the close, each with a deadline. */
export class Departures {
  readonly #components: PeerManagerComponents
  readonly #options: PeerManagerOptions
  readonly #metrics: PeerManagerMetrics
  readonly #log: Logger
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(
    components: PeerManagerComponents,
    metrics: PeerManagerMetrics,
    options: PeerManagerOptions,
    log: Logger,
  ) {
    this.#components = components
    this.#metrics = metrics
    this.#options = options
    this.#log = log
  }

  /** Parts from `peer`; calls for a peer that we are parting from already share the one way out. Never rejects. */
  leave(peer: PeerId, reason: Reason, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    const key = peer.toString()
    const leaving = this.#leaving.get(key)
    if (leaving !== undefined) return leaving
    this.#metrics.disconnect(reason.code)
    const leave = this.#leave(peer, reason, signals).finally(() => this.#leaving.delete(key))
    this.#leaving.set(key, leave)
    return leave
  }

  /** Resolves when nobody is leaving any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving.values())
  }

  async #leave(peer: PeerId, reason: Reason, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    this.#log('parting from %p: %s: %s', peer, reason.code, reason.message)
    try {
      await within(this.#options.goodbyeTimeoutMs, signals, async (signal) => {
        await optional(this.#components, 'handshake')?.goodbye(peer, reason, { signal })
      })
    } catch (err) {
      this.#log.trace('no goodbye to %p - %e', peer, err)
    }
    try {
      await within(this.#options.closeTimeoutMs, signals, (signal) => this.#close(peer, reason, signal))
    } catch (err) {
      this.#log('closing the connections to %p the hard way - %e', peer, err)
    }
    this.#abort(peer)
  }

  async #close(peer: PeerId, reason: Reason, signal: AbortSignal): Promise<void> {
    const pool = optional(this.#components, 'connectionPool')
    if (pool === undefined) await this.#components.connectionManager.closeConnections(peer, { signal })
    else await pool.disconnect(peer, reason, { signal })
  }

  // A remote that does not answer the close must not keep the link by that.
  #abort(peer: PeerId): void {
    for (const connection of this.#components.connectionManager.getConnections(peer)) {
      if (connection.status !== 'open' && connection.status !== 'closing') continue
      connection.abort(new TimeoutError(`Not closed within ${this.#options.closeTimeoutMs} ms`))
    }
  }
}
