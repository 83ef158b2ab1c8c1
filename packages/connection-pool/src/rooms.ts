import type { Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { type EvictionCandidate, rankForEviction } from './eviction.ts'
import type { Ledger } from './ledger.ts'
import type { PoolOptions } from './options.ts'
import type { PeerView } from './peer-view.ts'
import type { Place } from './place.ts'
import { isEvicted, isFull, isIdle, isIpFull, isNetworkFull, type PoolReason } from './reasons.ts'
import type { Direction, Ticket } from './ticket.ts'

/** Whether a place is the one, or in the network, that is counted. */
export type IsHere = (place: Place) => boolean

/** A peer that has to go, and why. */
export interface Departure {
  readonly peer: PeerId
  readonly reason: Reason
}

/** A slot that is about to be free. */
export interface Vacancy {
  /** The connection that has to close first. */
  readonly from: Ticket
  /** Who has to go for that, where it is not on its way out already. */
  readonly evicted?: Departure
}

/** Somebody who looks for a slot. */
export interface Seeker {
  readonly key: string
  readonly peer: PeerId
  readonly direction: Direction
  readonly place: Place | undefined
}

/** The ordinary slots: whether one is free, and who makes room where none is. */
export class Rooms {
  readonly #ledger: Ledger
  readonly #options: PoolOptions
  readonly #view: () => PeerView

  constructor(ledger: Ledger, options: PoolOptions, view: () => PeerView) {
    this.#ledger = ledger
    this.#options = options
    this.#view = view
  }

  slots(direction: Direction): number {
    return direction === 'inbound' ? this.#options.maxInbound : this.#options.maxOutbound
  }

  isFull(direction: Direction): boolean {
    return this.#ledger.used(direction) >= this.slots(direction)
  }

  fullReason(direction: Direction): PoolReason {
    return isFull(direction, this.slots(direction))
  }

  /** The limit by address that one more connection from `place` is over, where `count` says how many there are. */
  crowdReason(place: Place | undefined, count: (isHere: IsHere) => number): PoolReason | undefined {
    if (place === undefined) return undefined
    const { maxPerIp, maxPerNetwork } = this.#options
    if (count(({ ip }) => ip === place.ip) >= maxPerIp) return isIpFull(place.ip, maxPerIp)
    if (count(({ network }) => network === place.network) < maxPerNetwork) return undefined
    return isNetworkFull(place.network, maxPerNetwork)
  }

  /** A slot for somebody who finds all of them taken: one that is being left, or that of a peer which ranks lower. */
  makeRoom(seeker: Seeker): Vacancy | undefined {
    const holders = this.#ledger.holders(seeker.direction).filter((ticket) => this.#ledger.heirOf(ticket) === undefined)
    const from = holders.find(({ key }) => key !== seeker.key && this.#ledger.leavingReason(key) !== undefined)
    if (from !== undefined) return { from }
    // Nobody is worth more for a second connection.
    if (this.#ledger.of(seeker.key).some(({ slot }) => slot === 'inbound' || slot === 'outbound')) return undefined
    return this.#evict(seeker, holders)
  }

  /** The connection to end for the seeker; `undefined` where the seeker itself is the first to go. */
  #evict(seeker: Seeker, holders: readonly Ticket[]): Vacancy | undefined {
    const { protectedByLatency, protectedByUse, protectedRegions, protectedRoles } = this.#options
    const residents = holders.filter(({ key }) => this.#ledger.leavingReason(key) === undefined)
    const byPeer = [...Map.groupBy(residents, ({ key }) => key).values()]
    const idleFromMs = this.#idleFromMs()
    const candidates = byPeer.flatMap((tickets) => this.#candidate(tickets, idleFromMs))
    const ranking = rankForEviction([...candidates, this.#newcomer(seeker)], {
      latency: protectedByLatency,
      use: protectedByUse,
      regions: protectedRegions,
      roles: protectedRoles,
    })
    const [first] = ranking
    const from = residents.find(({ key }) => key === first?.key)
    if (first === undefined || from?.peer === undefined) return undefined
    const isForSilence = first.idleSinceMs !== undefined
    const reason = isForSilence
      ? isIdle(this.#options.idleTimeoutMs)
      : isEvicted(seeker.direction, this.slots(seeker.direction))
    return { from, evicted: { peer: from.peer, reason } }
  }

  #candidate([ticket]: readonly Ticket[], idleFromMs: number): EvictionCandidate[] {
    if (ticket?.peer === undefined) return []
    const { key, peer, place, openedAtMs } = ticket
    const standing = this.#view().standing(peer)
    // The second connection of an owner may be in an ordinary slot: to evict it would end both.
    const isReserved = this.#ledger.isOwner(key)
    const { silentSinceMs = Infinity } = standing
    const idleSinceMs = silentSinceMs <= idleFromMs ? silentSinceMs : undefined
    return [{ ...standing, key, isReserved, openedAtMs, idleSinceMs, group: place?.network ?? key }]
  }

  /** Whoever has been silent since then, or for longer, is idle; nobody is while there are few peers. */
  #idleFromMs(): number {
    const staying = [...this.#ledger.residents().keys()].filter((key) => this.#ledger.leavingReason(key) === undefined)
    return staying.length > this.#options.minPeers ? performance.now() - this.#options.idleTimeoutMs : -Infinity
  }

  // Latency, use, region and role protect those who are here; a newcomer has only its name.
  #newcomer({ key, peer, place }: Seeker): EvictionCandidate {
    const { reputation } = this.#view().standing(peer)
    return { key, isReserved: false, reputation, openedAtMs: Infinity, group: place?.network ?? key }
  }
}
