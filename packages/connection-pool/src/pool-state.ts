import type { PeerId } from '@libp2p/interface'
import { Ledger } from './ledger.ts'
import type { PoolOptions } from './options.ts'
import { type PeerView, STRANGERS } from './peer-view.ts'
import { isBanned, isLeaving, isSelf, isStopped, type PoolReason } from './reasons.ts'
import { Reservations } from './reservations.ts'
import { Rests } from './rests.ts'
import { Rooms } from './rooms.ts'

/** What the gater and the service share. */
export class PoolState {
  readonly options: PoolOptions
  readonly ledger = new Ledger()
  readonly reservations: Reservations
  readonly rooms: Rooms
  /** Peers that are dialled only to see whether they answer. */
  readonly probed = new Set<string>()
  /** Peers that libp2p does not dial of its own accord for a while. */
  readonly rests = new Rests()
  /** How peers are looked up. */
  view: PeerView = STRANGERS
  /** Whether the pool itself dials a peer at the moment. */
  isDialling: (key: string) => boolean = () => false
  /** Nobody comes in: the node has stopped. */
  isShut = false

  constructor(options: PoolOptions) {
    this.options = options
    this.reservations = new Reservations(this.ledger, options)
    this.rooms = new Rooms(this.ledger, options, () => this.view)
  }

  /** Forgets all connections, and lets nobody in until opened again. */
  shut(): void {
    this.isShut = true
    this.ledger.clear()
    this.probed.clear()
    this.rests.clear()
  }

  /** Why a peer may not have any connection, whatever is free. */
  banReason(peer: PeerId): PoolReason | undefined {
    if (this.isShut) return isStopped()
    if (this.view.isSelf(peer)) return isSelf()
    const untilMs = this.view.bannedUntilMs(peer)
    return untilMs === undefined ? undefined : isBanned(untilMs)
  }

  /** Why a peer has to wait before it may come again. */
  goingReason(key: string): PoolReason | undefined {
    const cause = this.ledger.leavingReason(key) ?? this.ledger.of(key).find(({ refusal }) => refusal)?.refusal
    return cause === undefined ? undefined : isLeaving(cause.message)
  }

  /** Whether one more peer can be told why it is turned away. */
  canTurnAway(): boolean {
    return this.view.hasHandshake && this.ledger.used('turned-away') < this.options.maxTurnAways
  }
}
