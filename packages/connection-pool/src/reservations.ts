import type { PeerId } from '@libp2p/interface'
import type { Ledger } from './ledger.ts'
import type { PoolOptions } from './options.ts'
import type { Reservation, Ticket } from './ticket.ts'

/** A reserved slot that is free for a peer, or is as soon as whoever sits in it on trial has left. */
export interface Room {
  readonly reservation: Reservation
  /** The one to leave. */
  readonly from?: Ticket
}

/** The slots kept for peers and roles. */
export class Reservations {
  readonly #ledger: Ledger
  readonly #options: PoolOptions

  constructor(ledger: Ledger, options: PoolOptions) {
    this.#ledger = ledger
    this.#options = options
  }

  /** Whether a slot is the peer's own. */
  isOwner(key: string): boolean {
    return this.#options.reservedPeers.has(key)
  }

  slotsOf(role: string): number {
    return this.#options.reservedRoles.get(role) ?? 0
  }

  /** The reserved slot that is free for a peer of this role, if any is. */
  roomFor(peer: PeerId, role: string | undefined): Room | undefined {
    const key = peer.toString()
    if (this.isOwner(key)) return { reservation: { claim: 'id' } }
    const held = this.#held(key)
    if (held !== undefined) return held.claim === 'blind' ? undefined : { reservation: held }
    if (role === undefined || this.slotsOf(role) === 0) return undefined
    const reservation: Reservation = { role, claim: 'remembered' }
    if (this.hasRoom(role, key)) return { reservation }
    const from = this.#onTrial(role)
    return from === undefined ? undefined : { reservation, from }
  }

  /** Whether a slot of the role is free, not counting what the peer itself holds. */
  hasRoom(role: string, key: string): boolean {
    const users = this.#ledger.usedByRole(role)
    users.delete(key)
    return users.size < this.slotsOf(role)
  }

  /** A role with a slot that nobody is in: there a peer of unknown role can wait until its handshake names one. */
  trialRole(): string | undefined {
    return [...this.#options.reservedRoles.keys()].find((role) => this.hasRoom(role, ''))
  }

  /** Whether anybody at all may yet come into a reserved slot. */
  hasAnyRoom(): boolean {
    const { reservedPeers, reservedRoles } = this.#options
    if ([...reservedPeers].some((key) => this.#ledger.of(key).length === 0)) return true
    return [...reservedRoles.keys()].some((role) => this.hasRoom(role, '') || this.#onTrial(role) !== undefined)
  }

  #held(key: string): Reservation | undefined {
    return this.#ledger.of(key).find(({ slot, heirTo }) => slot === 'reserved' && heirTo === undefined)?.reservation
  }

  #onTrial(role: string): Ticket | undefined {
    return this.#ledger
      .holders('reserved')
      .find(
        (ticket) =>
          ticket.reservation?.role === role &&
          ticket.reservation.claim === 'blind' &&
          this.#ledger.heirOf(ticket) === undefined,
      )
  }
}
