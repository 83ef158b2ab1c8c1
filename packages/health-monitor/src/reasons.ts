import type { Reason } from '@gridmesh/interfaces'

/** Codes of the reasons for which this package has links closed, stable. */
export const REASON_CODES = ['unseen'] as const

/** Why the health monitor has a link closed. */
export type ReasonCode = (typeof REASON_CODES)[number]

/** A reason that always names its limit, and the value of that. */
export interface HealthReason extends Reason {
  code: ReasonCode
  limit: string
  value: number
}

/** Nothing came on the link for too long, and a ping was not answered either. */
export function isUnseen(unseenMs: number, maxUnseenMs: number): HealthReason {
  const seconds = Math.round(unseenMs / 1_000)
  const message = `nothing came for ${seconds} s, and pings were not answered`
  return { code: 'unseen', message, limit: 'maxUnseenMs', value: maxUnseenMs }
}
