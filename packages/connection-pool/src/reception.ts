import { AbortError, type Connection, type Logger, type PeerId } from '@libp2p/interface'
import type { Crossings } from './crossings.ts'
import type { Departures } from './departures.ts'
import type { Gate, GateHost, Refusal } from './gate.ts'
import type { Link } from './links.ts'
import type { PoolState } from './pool-state.ts'
import type { PoolReason } from './reasons.ts'
import { RoleSettler } from './role-settler.ts'
import type { Departure } from './rooms.ts'
import type { SiblingView } from './sibling-view.ts'

/** What the reception works with, and whom it tells. */
export interface ReceptionParts {
  readonly state: PoolState
  readonly gate: Gate
  readonly view: SiblingView
  readonly departures: Departures
  readonly crossings: Crossings
  readonly log: Logger
  onRefused(refusal: Refusal): void
  onReplaced(peer: PeerId, reason: PoolReason): void
  onEvicted(departure: Departure): void
}

/** Sees to connections once libp2p has opened them, and to peers that have to go. */
export class Reception implements GateHost {
  readonly #parts: ReceptionParts
  readonly #roles: RoleSettler

  constructor(parts: ReceptionParts) {
    this.#parts = parts
    this.#roles = new RoleSettler(parts.state)
  }

  /** A connection is open. */
  opened(connection: Connection): void {
    const { gate, state, view } = this.#parts
    const link = gate.links.opened(connection)
    if (!view.hearsOfReady) state.rests.forget(connection.remotePeer.toString())
    if (link.ticket.peer === undefined) void this.#judge(connection, link)
    else this.#settle(connection, link)
  }

  /** A connection is closed. */
  closed(connection: Connection): void {
    const { links } = this.#parts.gate
    const link = links.find(connection)
    if (link !== undefined) links.drop(link)
  }

  /** A peer has said its role, or had its time to. */
  settleRole(peer: PeerId): void {
    for (const departure of this.#roles.settle(peer, this.#parts.view.saidRole(peer))) void this.evict(departure)
  }

  /** A peer brought something new and valid. */
  useful(peer: PeerId): void {
    if (this.#parts.state.ledger.residents().has(peer.toString())) this.#parts.view.noteUseful(peer)
  }

  evict(departure: Departure): Promise<void> {
    this.#parts.onEvicted(departure)
    return this.#parts.departures.leave(departure, 'unparted')
  }

  async gone(key: string): Promise<void> {
    await this.#parts.departures.of(key)
  }

  onRefused(refusal: Refusal): void {
    this.#parts.onRefused(refusal)
  }

  onReplaced(peer: PeerId, reason: PoolReason): void {
    this.#parts.onReplaced(peer, reason)
  }

  #settle(connection: Connection, { ticket }: Link): void {
    const { crossings, departures } = this.#parts
    if (ticket.refusal === undefined) crossings.opened(connection.remotePeer)
    else void departures.leave({ peer: connection.remotePeer, reason: ticket.refusal }, 'unparted')
  }

  /** Judges a connection after the fact: the gater was not asked who it is, or not by this transport. */
  async #judge(connection: Connection, link: Link): Promise<void> {
    const { gate, log } = this.#parts
    try {
      const isRefused = await gate.judge(link.ticket, connection.remotePeer, connection.remoteAddr)
      if (isRefused) connection.abort(new AbortError('The connection was refused'))
      else this.#settle(connection, link)
    } catch (err) {
      log.error('could not judge the connection to %p - %e', connection.remotePeer, err)
    }
  }
}
