import type { PoolTransaction } from './chain.ts'
import type { Placement } from './changes.ts'
import { rankOf } from './entry.ts'
import type { Orphan } from './orphans.ts'

/** A transaction on its way into the pool. */
export interface Item<T extends PoolTransaction> {
  readonly transaction: T
  readonly rank: number
  readonly size: number
  /** Reading of `performance.now()` when it came, where that was before now. */
  readonly atMs?: number
  readonly orphan?: Orphan<T>
  readonly isFirm?: boolean
  readonly isHeld?: boolean
  /** Whether nobody waits for it any more. */
  isAbandoned?: boolean
  readonly settle: (placement: Placement) => void
}

/** What a lane goes by. */
export function weigh<T extends PoolTransaction>(transaction: T): Pick<Item<T>, 'transaction' | 'rank' | 'size'> {
  return { transaction, rank: rankOf(transaction), size: transaction.size }
}
