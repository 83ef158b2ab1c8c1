import type { PeerId } from '@libp2p/interface'
import type { Place } from './place.ts'
import type { PoolState } from './pool-state.ts'
import { isStopped, type PoolReason } from './reasons.ts'

/** Spares dials that would only be refused once they are through. What counts is still decided at the door. */
export class DialRules {
  readonly #state: PoolState

  constructor(state: PoolState) {
    this.#state = state
  }

  /** Why an address is not dialled. `key` is the peer, where the address names one. */
  addressReason(place: Place | undefined, key: string | undefined): PoolReason | undefined {
    const { isShut, ledger, probed, reservations, rooms } = this.#state
    if (isShut) return isStopped()
    if (key !== undefined && (reservations.isOwner(key) || probed.has(key))) return undefined
    return reservations.hasAnyRoom() ? undefined : rooms.crowdReason(place, (isHere) => ledger.usedFrom(isHere))
  }

  /** Why a peer is not dialled, with `underway` other dials that will need a slot each. */
  peerReason(peer: PeerId, underway: number): PoolReason | undefined {
    const { ledger, options, probed, reservations, rooms, view } = this.#state
    const key = peer.toString()
    const refusal = this.#state.banReason(peer) ?? this.#state.goingReason(key)
    if (refusal !== undefined || probed.has(key)) return refusal
    if (reservations.roomFor(peer, view.standing(peer).role) !== undefined) return undefined
    if (ledger.used('outbound') + underway < options.maxOutbound) return undefined
    const vacancy = rooms.makeRoom({ key, peer, direction: 'outbound', place: undefined })
    return vacancy === undefined ? rooms.fullReason('outbound') : undefined
  }
}
