import { AttemptWindow } from './attempt-window.ts'
import type { Place } from './place.ts'
import type { PoolState } from './pool-state.ts'
import { hasTooManyAttempts, hasTooManyIps, isPendingFull, isStopped, type PoolReason } from './reasons.ts'
import type { Ticket } from './ticket.ts'

/** Judges inbound connections while nothing but their address is known. */
export class Arrivals {
  readonly #state: PoolState
  readonly #attempts: AttemptWindow

  constructor(state: PoolState) {
    const { attemptsPerIpPerSecond, maxTrackedIps } = state.options
    this.#state = state
    this.#attempts = new AttemptWindow(attemptsPerIpPerSecond, maxTrackedIps)
  }

  /** Takes a connection in to be identified, or says why not. */
  take(place: Place | undefined, nowMs: number): Ticket | PoolReason {
    const { isShut, ledger } = this.#state
    const reason = isShut ? isStopped() : (this.#attemptReason(place, nowMs) ?? this.#pendingReason(place))
    return reason ?? ledger.open('inbound', place, nowMs)
  }

  #attemptReason(place: Place | undefined, nowMs: number): PoolReason | undefined {
    if (place === undefined) return undefined
    const { attemptsPerIpPerSecond, maxTrackedIps } = this.#state.options
    const outcome = this.#attempts.take(place.ip, nowMs)
    if (outcome === 'too-many-ips') return hasTooManyIps(maxTrackedIps)
    return outcome === 'passed' ? undefined : hasTooManyAttempts(place.ip, attemptsPerIpPerSecond)
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
