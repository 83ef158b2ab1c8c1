import type { Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { haveCrossed } from './oldest.ts'
import type { Place } from './place.ts'
import { type Direction, type Reservation, type Slot, Ticket } from './ticket.ts'

/**
 * Who holds what. Every count is taken from the tickets themselves, so that no counter can drift from them; there are
 * only ever as many as the limits allow.
 */
export class Ledger {
  readonly #tickets = new Set<Ticket>()
  readonly #leaving = new Map<string, Reason>()
  #absent: Ticket | undefined

  /** All open tickets. */
  get tickets(): ReadonlySet<Ticket> {
    return this.#tickets
  }

  open(direction: Direction, place: Place | undefined, nowMs: number): Ticket {
    const ticket = new Ticket(direction, place, nowMs)
    this.#tickets.add(ticket)
    return ticket
  }

  /** Writes on a ticket whose it is. */
  name(ticket: Ticket, peer: PeerId): void {
    ticket.peer = peer
    ticket.key = peer.toString()
  }

  hold(ticket: Ticket, slot: Slot, reservation?: Reservation): void {
    if (ticket.isClosed) return
    ticket.slot = slot
    ticket.reservation = reservation
    ticket.heirTo = undefined
  }

  /** Refuses a connection that stays open until its peer has heard of it. */
  turnAway(ticket: Ticket, reason: Reason): void {
    this.hold(ticket, 'turned-away')
    ticket.refusal = reason
  }

  /** Promises a ticket the slot of another one. What it holds meanwhile, it keeps until then. */
  promise(ticket: Ticket, from: Ticket, reservation: Reservation | undefined = ticket.reservation): void {
    ticket.heirTo = from
    ticket.reservation = reservation
  }

  /** What is decided where every count leaves out one ticket. */
  without<T>(ticket: Ticket, decide: () => T): T {
    this.#absent = ticket
    try {
      return decide()
    } finally {
      this.#absent = undefined
    }
  }

  /** Ends a ticket. Its slot goes to its heir in the same breath, so that nobody comes in between. */
  close(ticket: Ticket): void {
    if (!this.#tickets.delete(ticket)) return
    ticket.isClosed = true
    const heir = this.heirOf(ticket)
    if (heir === undefined || ticket.slot === undefined) return
    if (this.leavingReason(heir.key) === undefined) this.#inherit(heir, ticket.slot)
    else heir.heirTo = undefined
  }

  heirOf(ticket: Ticket): Ticket | undefined {
    return this.#filter(({ heirTo }) => heirTo === ticket)[0]
  }

  /** The tickets of a peer, whatever they hold, the oldest first. */
  of(key: string): Ticket[] {
    return this.#filter((ticket) => ticket.key === key)
  }

  /** The tickets that hold a slot of this kind. */
  holders(slot: Slot): Ticket[] {
    return this.#filter((ticket) => ticket.slot === slot)
  }

  used(slot: Slot): number {
    return this.holders(slot).length
  }

  /** Inbound tickets that hold nothing yet. */
  pending(): number {
    return this.#filter(isPending).length
  }

  /** Inbound tickets from some place that hold nothing yet. */
  pendingFrom(isHere: (place: Place) => boolean): number {
    return this.#filter((ticket) => isPending(ticket) && ticket.place !== undefined && isHere(ticket.place)).length
  }

  /**
   * Tickets from some place that count towards the limits by address: those in ordinary slots, or about to be. `but` is
   * left out, and what crossed with it: one of the two is closed soon, and each side would refuse the other's for its own.
   */
  usedFrom(isHere: (place: Place) => boolean, but?: Ticket): number {
    return this.#filter((ticket) => {
      const isOther = but === undefined || (ticket !== but && !(ticket.key === but.key && haveCrossed(ticket, but)))
      return isOther && ticket.place !== undefined && isOrdinary(ticket) && isHere(ticket.place)
    }).length
  }

  /** Peers in slots reserved for a role. */
  usedByRole(role: string): Set<string> {
    return new Set(
      this.holders('reserved').flatMap(({ reservation, key }) => (reservation?.role === role ? [key] : [])),
    )
  }

  /** Whether a peer sits in a reserved slot as one that belongs there. */
  isOwner(key: string): boolean {
    return this.of(key).some(({ slot, reservation, heirTo }) => {
      return slot === 'reserved' && reservation?.claim !== 'blind' && heirTo === undefined
    })
  }

  /** Peers that hold a slot to stay: those of probes, and those turned away, do not. */
  residents(): Map<string, Ticket[]> {
    const held = this.#filter(({ slot }) => slot === 'inbound' || slot === 'outbound' || slot === 'reserved')
    return Map.groupBy(held, ({ key }) => key)
  }

  /** Notes that a peer is on its way out. */
  leave(key: string, reason: Reason): void {
    this.#leaving.set(key, reason)
  }

  /** Notes that a peer is gone. */
  left(key: string): void {
    this.#leaving.delete(key)
  }

  leavingReason(key: string): Reason | undefined {
    return this.#leaving.get(key)
  }

  clear(): void {
    for (const ticket of this.#tickets) ticket.isClosed = true
    this.#tickets.clear()
    this.#leaving.clear()
  }

  #inherit(heir: Ticket, slot: Slot): void {
    const reservation = slot === 'reserved' ? heir.reservation : undefined
    this.hold(heir, slot, reservation)
  }

  #filter(isWanted: (ticket: Ticket) => boolean): Ticket[] {
    return [...this.#tickets].filter((ticket) => ticket !== this.#absent && isWanted(ticket))
  }
}

/** What we dialled waits in a queue of its own. */
function isPending({ slot, direction }: Ticket): boolean {
  return slot === undefined && direction === 'inbound'
}

function isOrdinary({ slot, reservation, heirTo }: Ticket): boolean {
  if (slot === 'reserved') return reservation?.claim === 'blind' || heirTo !== undefined
  const held = slot ?? heirTo?.slot
  return held === 'inbound' || held === 'outbound'
}
