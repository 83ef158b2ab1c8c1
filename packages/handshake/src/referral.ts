import type { Reason, Referrals } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import { MAX_REFERRAL_BYTES, MAX_REFERRALS } from './constants.ts'
import type { Judgement } from './judge.ts'
import { raced } from './timing.ts'

/** What we think of a peer, and for one that is refused, whom it may try instead. */
export type Decision = Judgement & { referrals?: readonly Uint8Array[] }

/** A peer for which there is no place, and that is to hear where there may be one. */
export interface Referral {
  readonly reason: Reason
  readonly referrals: Referrals
}

/** Refuses whoever would be accepted, and refers it to others. Who is refused anyhow is of no use to those. */
export async function refer(
  judgement: Judgement,
  { reason, referrals }: Referral,
  signal: AbortSignal,
  log: Logger,
): Promise<Decision> {
  if (!judgement.ok) return judgement
  try {
    return { ok: false, reason, referrals: await raced(referrals({ signal }), signal) }
  } catch (err) {
    signal.throwIfAborted()
    log.error('found no peers to refer another to - %e', err)
    return { ok: false, reason }
  }
}

/** As many records as fit, the first ones. */
export function fitReferrals(records: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0
  return records.slice(0, MAX_REFERRALS).filter(({ byteLength }) => {
    const fits = bytes + byteLength <= MAX_REFERRAL_BYTES
    if (fits) bytes += byteLength
    return fits
  })
}
