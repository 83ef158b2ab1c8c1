import type { PeerId } from '@libp2p/interface'
import type { Place } from './place.ts'
import type { PoolState } from './pool-state.ts'
import { isResting, isStopped, type PoolReason } from './reasons.ts'

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

  /**
   * Why libp2p does not dial a peer yet, and if it does, notes that. A DHT dials whom it has a question for, without end,
   * while a full peer refuses each time. Whoever dials by the pool waits as it sees fit, and keeps nobody else waiting.
   */
  restReason(peer: PeerId): PoolReason | undefined {
    const { isDialling, rests } = this.#state
    const key = peer.toString()
    if (isDialling(key)) return undefined
    const nowMs = performance.now()
    const leftMs = rests.leftMs(key, nowMs)
    if (leftMs > 0) return isResting(leftMs)
    rests.note(key, nowMs)
    return undefined
  }
}
