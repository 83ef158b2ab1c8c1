import type { PeerId } from '@libp2p/interface'
import { oldestOf } from './oldest.ts'
import type { PoolState } from './pool-state.ts'
import { judge } from './precedence.ts'
import { isBanned, isDuplicate, isNotReserved, isSelf, isStopped, type PoolReason } from './reasons.ts'
import type { Room } from './reservations.ts'
import type { Departure, Vacancy } from './rooms.ts'
import type { Ticket } from './ticket.ts'

/** A connection that is to be closed at once, since a newer one of its peer comes in. */
export interface Replaced {
  readonly ticket: Ticket
  readonly reason: PoolReason
}

/**
 * What becomes of a connection once its peer is known.
 *
 * - `admit`: it holds a slot
 * - `wait`: it gets the slot of another connection when that is closed
 * - `turn-away`: it is refused, and stays open for as long as it takes to say so
 * - `refuse`: it is closed at once
 */
export type Decision =
  | { readonly kind: 'admit'; readonly replaced?: Replaced }
  | { readonly kind: 'wait'; readonly from: Ticket; readonly evicted?: Departure; readonly replaced?: Replaced }
  | { readonly kind: 'turn-away' | 'refuse'; readonly reason: PoolReason }

const ADMITTED: Decision = { kind: 'admit' }

/** Decides who comes in. Knows nothing of sockets: it is told of connections, and keeps the ledger. */
export class Door {
  readonly #state: PoolState

  constructor(state: PoolState) {
    this.#state = state
  }

  /** Decides over a connection whose peer is known by now. */
  identify(ticket: Ticket, peer: PeerId): Decision {
    const { isShut, ledger, options, rooms, view } = this.#state
    ledger.name(ticket, peer)
    if (isShut) return refuse(isStopped())
    const { key, direction } = ticket
    const bannedUntilMs = view.bannedUntilMs(peer)
    const room = this.#roomFor(peer)
    const verdict = judge({
      isSelf: view.isSelf(peer),
      isBanned: bannedUntilMs !== undefined,
      isDuplicate: ledger.of(key).length > options.maxConnectionsPerPeer,
      isReserved: room !== undefined,
      isFull: rooms.isFull(direction),
    })
    if (verdict === 'refuse-self') return refuse(isSelf())
    if (verdict === 'refuse-banned') return refuse(isBanned(bannedUntilMs ?? 0))
    const going = this.#state.goingReason(key)
    if (going !== undefined) return refuse(going)
    if (verdict === 'replace-oldest') return this.#replaceOldest(ticket, peer)
    const decision = this.#admit(ticket, peer, room)
    return decision.kind === 'refuse' ? this.#turnAway(ticket, decision.reason) : decision
  }

  /** What has come in the way of a connection since it was admitted. */
  confirm(ticket: Ticket, peer: PeerId): PoolReason | undefined {
    const refusal = this.#state.banReason(peer)
    if (refusal !== undefined || ticket.slot === 'turned-away') return refusal
    return this.#state.goingReason(ticket.key) ?? (ticket.slot === undefined ? this.#fullReason(ticket) : undefined)
  }

  #admit(ticket: Ticket, peer: PeerId, room: Room | undefined): Decision {
    const { ledger, probed, rooms } = this.#state
    const { key, direction, place } = ticket
    const others = ledger.of(key).filter((other) => other !== ticket)
    if (direction === 'outbound' && probed.has(key) && others.length === 0) {
      ledger.hold(ticket, 'probe')
      return ADMITTED
    }
    if (room !== undefined) return this.#reserve(ticket, room)
    const crowd = rooms.crowdReason(place, (isHere) => ledger.usedFrom(isHere, ticket))
    if (crowd !== undefined) return refuse(crowd)
    if (!rooms.isFull(direction)) {
      ledger.hold(ticket, direction)
      return ADMITTED
    }
    const vacancy = rooms.makeRoom({ key, peer, direction, place })
    if (vacancy !== undefined) return this.#wait(ticket, vacancy)
    return this.#tryOut(ticket, peer, others.length === 0) ?? refuse(this.#fullReason(ticket))
  }

  /**
   * A peer that connects again may have lost what it had without our hearing of it. It keeps that where the new
   * connection does not come in.
   */
  #replaceOldest(ticket: Ticket, peer: PeerId): Decision {
    const { ledger, options, view } = this.#state
    const reason = isDuplicate(options.maxConnectionsPerPeer)
    const oldest = oldestOf(ledger.of(ticket.key), view.isLesserThan(peer)) ?? ticket
    if (oldest === ticket) return refuse(reason)
    const decision = ledger.without(oldest, () => this.#admit(ticket, peer, this.#roomFor(peer)))
    return 'reason' in decision ? decision : { ...decision, replaced: { ticket: oldest, reason } }
  }

  #roomFor(peer: PeerId): Room | undefined {
    const { reservations, view } = this.#state
    return reservations.roomFor(peer, view.standing(peer).role)
  }

  #reserve(ticket: Ticket, { reservation, from }: Room): Decision {
    if (from?.peer === undefined) {
      this.#state.ledger.hold(ticket, 'reserved', reservation)
      return ADMITTED
    }
    const role = reservation.role ?? ''
    const reason = isNotReserved(role, this.#state.reservations.slotsOf(role))
    return this.#wait(ticket, { from, evicted: { peer: from.peer, reason } }, reservation)
  }

  #wait(ticket: Ticket, { from, evicted }: Vacancy, reservation?: Ticket['reservation']): Decision {
    const { ledger } = this.#state
    ledger.promise(ticket, from, reservation)
    if (evicted === undefined || ledger.leavingReason(from.key) !== undefined) return { kind: 'wait', from }
    ledger.leave(from.key, evicted.reason)
    return { kind: 'wait', from, evicted }
  }

  /** Lets a peer of unknown role wait in a slot that is kept for one: it may be its owner, and cannot have said so. */
  #tryOut(ticket: Ticket, peer: PeerId, isAlone: boolean): Decision | undefined {
    const { ledger, reservations, view } = this.#state
    const mayHaveRole = view.hasHandshake && isAlone && view.standing(peer).role === undefined
    const role = mayHaveRole ? reservations.trialRole() : undefined
    if (role === undefined) return undefined
    ledger.hold(ticket, 'reserved', { role, claim: 'blind' })
    return ADMITTED
  }

  #turnAway(ticket: Ticket, reason: PoolReason): Decision {
    const { ledger } = this.#state
    const isAlone = ledger.of(ticket.key).length === 1
    if (ticket.direction === 'outbound' || !isAlone || !this.#state.canTurnAway()) return refuse(reason)
    ledger.turnAway(ticket, reason)
    return { kind: 'turn-away', reason }
  }

  #fullReason({ direction }: Ticket): PoolReason {
    return this.#state.rooms.fullReason(direction)
  }
}

function refuse(reason: PoolReason): Decision {
  return { kind: 'refuse', reason }
}
