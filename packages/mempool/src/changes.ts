import type { PoolTransaction } from './chain.ts'
import type { Entry } from './entry.ts'
import type { Orphan } from './orphans.ts'
import type { Refusal } from './refusal.ts'

/** Why a transaction is not held any more. */
export type RemovalReason =
  | 'included'
  | 'conflict'
  | 'pool-full'
  | 'sender-full'
  | 'waiting-full'
  | 'expired'
  | 'parent-removed'
  | 'rejected'
  | 'refused'

/** Something that happened in the pool. */
export type PoolChange<T extends PoolTransaction> =
  | { type: 'added' | 'moved'; entry: Entry<T> }
  | { type: 'waiting'; orphan: Orphan<T>; missing: Refusal }
  | { type: 'removed'; transaction: T; reason: RemovalReason; message: string; wasWaiting: boolean }

/** What became of a transaction that was held against the state. */
export type Placement =
  | { status: 'added' }
  | { status: 'waiting'; missing: Refusal }
  | { status: 'refused'; refusal: Refusal }

/** How a transaction comes to be placed. */
export interface Arrival<T extends PoolTransaction> {
  /** Reading of `performance.now()` when it came. */
  readonly atMs: number
  /** What it was while it waited, where it did. */
  readonly orphan?: Orphan<T> | undefined
  /** Whether it has to apply now, and may not wait. */
  readonly isFirm?: boolean
  /** Whether it was here before, in the pool or waiting, so that a later one of its series that came meanwhile is behind it. */
  readonly isHeld?: boolean
}
