import { type AbortOptions, type Connection, NotStartedError, type PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { raced } from './deadline.ts'
import type { Departures } from './departures.ts'
import type { Dialer } from './dialer.ts'
import { ConnectionRefusedError } from './errors.ts'
import type { AcquireOptions } from './index.ts'
import type { Links } from './links.ts'
import type { DialOutcome } from './metrics.ts'
import type { PoolState } from './pool-state.ts'
import { isProbeFull, isProbeOver, type PoolReason } from './reasons.ts'

/** What the acquirer works with. */
export interface AcquirerParts {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly state: PoolState
  readonly links: Links
  readonly departures: Departures
  readonly dialer: Dialer
  readonly onOutcome: (outcome: DialOutcome) => void
  readonly onRefused: (peer: PeerId, reason: PoolReason) => void
}

/** Finds a connection to a peer, or makes one. */
export class Acquirer {
  readonly #parts: AcquirerParts
  readonly #probes = new Map<string, Promise<void>>()
  #running: AbortSignal | undefined

  constructor(parts: AcquirerParts) {
    this.#parts = parts
  }

  /** Connections are made until `running` aborts. */
  start(running: AbortSignal): void {
    this.#running = running
  }

  /** A connection to stay. */
  async acquire(peer: PeerId, { addresses = [], signal }: AcquireOptions): Promise<Connection> {
    await this.#ready(peer, signal)
    const open = this.#find(peer)
    if (open === undefined) return this.#dial(peer, addresses, signal)
    this.#parts.onOutcome('reused')
    return open
  }

  /** A connection that is ended as soon as it is there. One that is there anyhow is proof enough. */
  async probe(peer: PeerId, addresses: readonly Multiaddr[], { signal }: AbortOptions): Promise<void> {
    await this.#ready(peer, signal)
    const { dialer, state } = this.#parts
    const key = peer.toString()
    if (this.#find(peer) !== undefined) return
    if (dialer.get(key) !== undefined) {
      await this.#dial(peer, addresses, signal)
      return
    }
    if (state.probed.size >= state.options.maxProbes) throw this.#refusal(peer, isProbeFull(state.options.maxProbes))
    const over = Promise.withResolvers<void>()
    this.#probes.set(key, over.promise)
    state.probed.add(key)
    try {
      const connection = await this.#dial(peer, addresses, signal)
      await this.#endProbe(connection)
    } finally {
      state.probed.delete(key)
      this.#probes.delete(key)
      over.resolve()
    }
  }

  /** Waits until nothing is in the way of a new connection to the peer. */
  async #ready(peer: PeerId, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { departures, state } = this.#parts
    const key = peer.toString()
    for (;;) {
      if (this.#running === undefined || this.#running.aborted) throw new NotStartedError('The pool is not running')
      const reason = state.banReason(peer)
      if (reason !== undefined) throw this.#refusal(peer, reason)
      const obstacle = departures.of(key) ?? this.#probes.get(key)
      if (obstacle === undefined) return
      await raced(obstacle, signal)
    }
  }

  #find(peer: PeerId): Connection | undefined {
    const { connectionManager, links } = this.#parts
    const open = connectionManager.getConnections(peer).filter((connection) => {
      const slot = links.find(connection)?.ticket.slot
      return (
        connection.status === 'open' && connection.limits === undefined && slot !== 'turned-away' && slot !== 'probe'
      )
    })
    return open.find(({ direct }) => direct) ?? open[0]
  }

  async #dial(peer: PeerId, addresses: readonly Multiaddr[], signal: AbortSignal | undefined): Promise<Connection> {
    const { dialer, onOutcome } = this.#parts
    const isShared = dialer.get(peer.toString()) !== undefined
    try {
      const connection = await dialer.wait(dialer.dial(peer, addresses), signal)
      onOutcome(isShared ? 'shared' : 'opened')
      return connection
    } catch (err) {
      onOutcome(outcomeOf(err))
      throw err
    }
  }

  async #endProbe(connection: Connection): Promise<void> {
    const { departures, links, state } = this.#parts
    // Somebody else's connection to the peer came first: that one is not ours to end.
    if (links.find(connection)?.ticket.slot !== 'probe') return
    const reason = isProbeOver(state.options.maxProbes)
    // Its handshake has hardly begun: it is refused with the reason, and the peer knows what that was.
    await departures.leave({ peer: connection.remotePeer, reason }, 'unparted')
  }

  #refusal(peer: PeerId, reason: PoolReason): ConnectionRefusedError {
    this.#parts.onOutcome('refused')
    this.#parts.onRefused(peer, reason)
    return new ConnectionRefusedError(reason)
  }
}

function outcomeOf(err: unknown): DialOutcome {
  if (!(err instanceof Error)) return 'failed'
  if (err.name === 'QueueFullError') return 'queue-full'
  return err.name === 'ConnectionRefusedError' ? 'refused' : 'failed'
}
