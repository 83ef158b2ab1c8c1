import type { Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import type { Place } from './place.ts'

/** Who opened a connection: the other side, or we. */
export type Direction = 'inbound' | 'outbound'

/**
 * What a connection holds.
 *
 * - `inbound`, `outbound`: an ordinary slot
 * - `reserved`: a slot kept for a peer or a role
 * - `probe`: the slot for testing an address
 * - `turned-away`: none, but it stays open until the peer was told why
 */
export type Slot = Direction | 'reserved' | 'probe' | 'turned-away'

/** All slots, in the order of the metric. */
export const SLOTS = ['inbound', 'outbound', 'reserved', 'probe', 'turned-away'] as const satisfies readonly Slot[]

/**
 * Why a connection may hold a reserved slot.
 *
 * - `id`: the slot is the peer's own
 * - `proven`: the peer said in its handshake that it has the role
 * - `remembered`: it had the role the last time
 * - `blind`: nobody knows; it may stay until its handshake tells
 */
export type Claim = 'id' | 'proven' | 'remembered' | 'blind'

/** A reserved slot. */
export interface Reservation {
  readonly claim: Claim
  /** The role it is kept for, where it is not kept for a peer. */
  readonly role?: string
}

/** One connection, from its first byte to its last. Written by the ledger alone. */
export class Ticket {
  readonly direction: Direction
  readonly place: Place | undefined
  readonly openedAtMs: number
  peer: PeerId | undefined
  /** The peer as a string; empty until it is known. */
  key = ''
  /** What it holds; nothing until it is admitted. */
  slot: Slot | undefined
  reservation: Reservation | undefined
  /** The connection whose slot this one gets as soon as that one is closed. */
  heirTo: Ticket | undefined
  /** Why it is turned away, where it is. */
  refusal: Reason | undefined
  isClosed = false

  constructor(direction: Direction, place: Place | undefined, openedAtMs: number) {
    this.direction = direction
    this.place = place
    this.openedAtMs = openedAtMs
  }
}
