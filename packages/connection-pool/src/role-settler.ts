import type { PeerId } from '@libp2p/interface'
import type { PoolState } from './pool-state.ts'
import { isNotReserved, type PoolReason } from './reasons.ts'
import type { Departure } from './rooms.ts'
import type { Ticket } from './ticket.ts'

/** Puts peers where they belong as soon as their role is known: owners of a reserved slot in, all others out of it. */
export class RoleSettler {
  readonly #state: PoolState

  constructor(state: PoolState) {
    this.#state = state
  }

  /**
   * Settles a peer that said its role, or had its time to say it. Returns who has to leave for that: another peer, or
   * the peer itself.
   */
  settle(peer: PeerId, role: string | undefined): Departure[] {
    const { ledger, reservations } = this.#state
    const key = peer.toString()
    if (reservations.isOwner(key) || ledger.leavingReason(key) !== undefined) return []
    const tickets = ledger.residents().get(key) ?? []
    if (role !== undefined && reservations.hasRoom(role, key)) {
      for (const ticket of tickets) ledger.hold(ticket, 'reserved', { role, claim: 'proven' })
      return []
    }
    return (
      tickets
        .filter(({ slot, heirTo }) => slot === 'reserved' && heirTo === undefined)
        // Silence takes back nothing that was said.
        .filter(({ reservation }) => role !== undefined || reservation?.claim !== 'proven')
        .flatMap((ticket) => this.#moveOut(ticket, peer))
    )
  }

  #moveOut(ticket: Ticket, peer: PeerId): Departure[] {
    const { ledger, rooms } = this.#state
    const { key, direction, place } = ticket
    if (ledger.leavingReason(key) !== undefined) return []
    const crowd = rooms.crowdReason(place, (isHere) => ledger.usedFrom(isHere, ticket))
    if (crowd !== undefined) return [this.#leave(peer, crowd)]
    if (!rooms.isFull(direction)) {
      ledger.hold(ticket, direction)
      return []
    }
    const vacancy = rooms.makeRoom({ key, peer, direction, place })
    if (vacancy === undefined) return [this.#leave(peer, this.#notReserved(ticket))]
    ledger.promise(ticket, vacancy.from)
    if (vacancy.evicted === undefined) return []
    ledger.leave(vacancy.from.key, vacancy.evicted.reason)
    return [vacancy.evicted]
  }

  #notReserved({ reservation, direction }: Ticket): PoolReason {
    const { reservations, rooms } = this.#state
    const role = reservation?.role
    return role === undefined ? rooms.fullReason(direction) : isNotReserved(role, reservations.slotsOf(role))
  }

  #leave(peer: PeerId, reason: PoolReason): Departure {
    this.#state.ledger.leave(peer.toString(), reason)
    return { peer, reason }
  }
}
