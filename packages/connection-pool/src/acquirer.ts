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
import { newestOf } from './oldest.ts'
import type { PoolState } from './pool-state.ts'
import { isProbeFull, isProbeOver, type PoolReason } from './reasons.ts'

/** What the acquirer works with. */
export interface AcquirerParts {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly state: PoolState
  readonly links: Links
  readonly departures: Departures
  readonly dialer: Dialer
  /** Resolves when a connected peer has shown that it is one of ours, as far as that is asked. */
  readonly whenReady: (peer: PeerId, signal: AbortSignal | undefined) => Promise<void>
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
    signal?.throwIfAborted()
    // Nothing may come between the last look and the dial: a probe's connection is not one to stay.
    for (let way = this.#obstacle(peer); way !== undefined; way = this.#obstacle(peer)) await raced(way, signal)
    const open = this.find(peer)
    if (open === undefined) {
      const dialled = await this.#dial(peer, addresses, signal)
      // The peer may have dialled us meanwhile.
      return this.find(peer) ?? dialled
    }
    this.#parts.onOutcome('reused')
    return open
  }

  /** A connection that is ended as soon as its peer is ready; one that is there anyhow stays. */
  async probe(peer: PeerId, addresses: readonly Multiaddr[], { signal }: AbortOptions): Promise<void> {
    signal?.throwIfAborted()
    for (let way = this.#obstacle(peer); way !== undefined; way = this.#obstacle(peer)) await raced(way, signal)
    const isDialled = this.#parts.dialer.get(peer.toString()) !== undefined
    if (this.find(peer) === undefined && !isDialled) {
      await this.#test(peer, addresses, signal)
      return
    }
    if (this.find(peer) === undefined) await this.#dial(peer, addresses, signal)
    await this.#parts.whenReady(peer, signal)
  }

  async #test(peer: PeerId, addresses: readonly Multiaddr[], signal: AbortSignal | undefined): Promise<void> {
    const { state, whenReady } = this.#parts
    const key = peer.toString()
    if (state.probed.size >= state.options.maxProbes) throw this.#refusal(peer, isProbeFull(state.options.maxProbes))
    const over = Promise.withResolvers<void>()
    this.#probes.set(key, over.promise)
    state.probed.add(key)
    try {
      const connection = await this.#dial(peer, addresses, signal)
      try {
        // A node of another network answers too, and is of no use.
        await raced(whenReady(peer, signal), this.#running)
      } finally {
        await this.#endProbe(connection)
      }
    } finally {
      state.probed.delete(key)
      this.#probes.delete(key)
      over.resolve()
    }
  }

  /** What is in the way of a new connection to the peer, and passes. */
  #obstacle(peer: PeerId): Promise<void> | undefined {
    const { departures, state } = this.#parts
    if (this.#running === undefined || this.#running.aborted) throw new NotStartedError('The pool is not running')
    const reason = state.banReason(peer)
    if (reason !== undefined) throw this.#refusal(peer, reason)
    return departures.of(peer.toString()) ?? this.#probes.get(peer.toString())
  }

  /** The open connection that `acquire` would give. */
  find(peer: PeerId): Connection | undefined {
    const { connectionManager, links, state } = this.#parts
    const open = connectionManager.getConnections(peer).flatMap((connection) => {
      const ticket = links.find(connection)?.ticket
      const isOurs = ticket !== undefined && ticket.slot !== 'turned-away' && ticket.slot !== 'probe'
      return isOurs && connection.status === 'open' && connection.limits === undefined ? [{ connection, ticket }] : []
    })
    const direct = open.filter(({ connection }) => connection.direct)
    const best = direct.length > 0 ? direct : open
    // The older one may be dead, and its peer back on the newer one.
    const newest = newestOf(
      best.map(({ ticket }) => ticket),
      state.view.isLesserThan(peer),
    )
    return best.find(({ ticket }) => ticket === newest)?.connection
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
    // Ready or not, the peer is told what that was.
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
