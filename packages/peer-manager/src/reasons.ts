import type { Reason } from '@gridmesh/interfaces'
import type { PeerManagerOptions } from './options.ts'
import type { ManagedPeer } from './record.ts'

/** Codes of the reasons for which this package parts from peers, stable. */
export const REASON_CODES = ['banned', 'low-reputation'] as const

/** Why the peer manager parts from a peer, of its own accord. */
export type ReasonCode = (typeof REASON_CODES)[number]

/** A reason that always names its limit, and the value of that. */
export interface PeerManagerReason extends Reason {
  code: ReasonCode
  limit: string
  value: number
}

/** The limit that led to a ban, and its value. */
export type BanLimit = Pick<PeerManagerReason, 'limit' | 'value'>

/** A peer is banned from now on. */
export function isBanned(untilMs: number, why: string, limit: BanLimit): PeerManagerReason {
  return { code: 'banned', message: `banned until ${new Date(untilMs).toISOString()}: ${why}`, ...limit }
}

/** A banned peer came past the gater. */
export function isStillBanned({ bannedUntilMs = 0, banReason = '' }: Partial<ManagedPeer>): PeerManagerReason {
  const until = new Date(bannedUntilMs).toISOString()
  return {
    code: 'banned',
    message: `still banned until ${until}: ${banReason}`,
    limit: 'bannedUntilMs',
    value: bannedUntilMs,
  }
}

/** The reputation of a peer is spent. */
export function hasLowReputation(
  reputation: number,
  limit: 'disconnectReputation' | 'banReputation',
  options: Pick<PeerManagerOptions, 'disconnectReputation' | 'banReputation'>,
): PeerManagerReason {
  const value = options[limit]
  const message = `reputation ${reputation.toFixed(1)} is at or below ${limit}, ${value}`
  return { code: 'low-reputation', message, limit, value }
}
