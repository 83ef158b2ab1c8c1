import type { Admission } from './admission.ts'
import type { PoolTransaction } from './chain.ts'
import type { MempoolStats } from './index.ts'
import type { Pool } from './pool.ts'

type Held = 'transactions' | 'bytes' | 'senders' | 'waiting' | 'waitingBytes' | 'pending' | 'pendingBytes'

/** How much a pool holds, and how much is on its way there. */
export function statsOf<T extends PoolTransaction>(
  { index, orphans }: Pool<T>,
  { pending }: Admission<T>,
): Pick<MempoolStats, Held> {
  return {
    transactions: index.count,
    bytes: index.bytes,
    senders: index.senders,
    waiting: orphans.count,
    waitingBytes: orphans.bytes,
    pending: pending.count,
    pendingBytes: pending.bytes,
  }
}
