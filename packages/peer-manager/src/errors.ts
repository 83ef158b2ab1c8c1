import type { PeerState } from '@gridmesh/interfaces'
import type { ManagedPeer } from './record.ts'

/** A peer was to make a move that the transition table does not have. */
export class IllegalTransitionError extends Error {
  static override readonly name = 'IllegalTransitionError'
  override readonly name = 'IllegalTransitionError'
  readonly code = 'illegal-transition'
  /** Peer id string. */
  readonly peer: string
  readonly from: PeerState
  readonly to: PeerState

  constructor(peer: string, from: PeerState, to: PeerState) {
    super(`Peer ${peer} cannot go from ${from} to ${to}`)
    this.peer = peer
    this.from = from
    this.to = to
  }
}

/** A record was asked to change that the registry does not hold. */
export class UnknownPeerError extends Error {
  static override readonly name = 'UnknownPeerError'
  override readonly name = 'UnknownPeerError'
  readonly code = 'unknown-peer'
  /** Peer id string. */
  readonly peer: string

  constructor(peer: string) {
    super(`The registry holds no peer ${peer}`)
    this.peer = peer
  }
}

/** The peer cannot become ready: it is banned. */
export class PeerBannedError extends Error {
  static override readonly name = 'PeerBannedError'
  override readonly name = 'PeerBannedError'
  readonly code = 'peer-banned'
  /** Peer id string. */
  readonly peer: string
  /** End of the ban, ms since the epoch. */
  readonly bannedUntilMs: number

  constructor({ id, bannedUntilMs = 0, banReason = '' }: Pick<ManagedPeer, 'id' | 'bannedUntilMs' | 'banReason'>) {
    super(`Peer ${id.toString()} is banned until ${new Date(bannedUntilMs).toISOString()}: ${banReason}`)
    this.peer = id.toString()
    this.bannedUntilMs = bannedUntilMs
  }
}

/** A stored peer could not be read back. */
export class CorruptRecordError extends Error {
  static override readonly name = 'CorruptRecordError'
  override readonly name = 'CorruptRecordError'
  readonly code = 'corrupt-record'
  /** What of the record is wrong. */
  readonly field: string

  constructor(field: string, options?: ErrorOptions) {
    super(`A stored peer has a bad ${field}`, options)
    this.field = field
  }
}
