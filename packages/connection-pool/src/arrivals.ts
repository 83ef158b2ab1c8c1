import { AttemptWindow } from './attempt-window.ts'
import type { Place } from './place.ts'
import type { PoolState } from './pool-state.ts'
import {
  hasTooManyAttempts,
  hasTooManyIps,
  isPendingFull,
  isStopped,
  type PoolReason,
  triesAsManyIps,
} from './reasons.ts'
import type { Ticket } from './ticket.ts'

/** Judges inbound connections while nothing but their address is known. */
export class Arrivals {
  readonly #state: PoolState
  readonly #ofIps: AttemptWindow
  /** One /48 has 65,536 IPs, enough to fill the window of those. It holds fewer networks than that holds IPs. */
  readonly #ofNetworks: AttemptWindow

  constructor(state: PoolState) {
    const { attemptsPerIpPerSecond, maxPerNetwork, maxTrackedIps } = state.options
    this.#state = state
    this.#ofIps = new AttemptWindow(attemptsPerIpPerSecond, maxTrackedIps)
    this.#ofNetworks = new AttemptWindow(attemptsPerIpPerSecond * maxPerNetwork, maxTrackedIps)
  }

  /** Takes a connection in to be identified, or says why not. */
  take(place: Place | undefined, nowMs: number): Ticket | PoolReason {
    const { isShut, ledger } = this.#state
    const reason = isShut ? isStopped() : (this.#attemptReason(place, nowMs) ?? this.#pendingReason(place))
    if (reason !== undefined) return reason
    if (place !== undefined) {
      this.#ofIps.count(place.ip, nowMs)
      this.#ofNetworks.count(place.network, nowMs)
    }
    return ledger.open('inbound', place, nowMs)
  }

  #attemptReason(place: Place | undefined, nowMs: number): PoolReason | undefined {
    if (place === undefined) return undefined
    const { attemptsPerIpPerSecond, maxPerNetwork, maxTrackedIps } = this.#state.options
    const excess = this.#ofIps.excess(place.ip, nowMs)
    if (excess === 'too-many-sources') return hasTooManyIps(maxTrackedIps)
    if (excess === 'too-many-attempts') return hasTooManyAttempts(place.ip, attemptsPerIpPerSecond)
    if (this.#ofNetworks.excess(place.network, nowMs) === undefined) return undefined
    return triesAsManyIps(place.network, maxPerNetwork, attemptsPerIpPerSecond)
  }

  #pendingReason(place: Place | undefined): PoolReason | undefined {
    const { ledger, options, reservations, rooms } = this.#state
    if (ledger.pending() >= options.maxPending) return isPendingFull(options.maxPending)
    if (place === undefined) return undefined
    // Silent connections of one IP must not fill all of `maxPending`, whatever else is free.
    const silent = rooms.crowdReason(place, (isHere) => ledger.pendingFrom(isHere))
    if (silent !== undefined) return silent
    // It may be the owner of a reserved slot, or somebody who can be told why not: it has to say first who it is.
    if (reservations.hasAnyRoom() || this.#state.canTurnAway()) return undefined
    return rooms.crowdReason(place, (isHere) => ledger.pendingFrom(isHere) + ledger.usedFrom(isHere))
  }
}
