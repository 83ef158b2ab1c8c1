/**
 * @packageDocumentation
 *
 * Transactions that wait for a block, of any chain that meets the pool by a small port: refused as cheaply as they can
 * be, bounded in count and bytes, in an order in which each applies, given back by reverted blocks, and kept over a
 * restart. Keys that are spent once and nonces are understood, each or both.
 *
 * Not for passing transactions on, nor for building blocks: it says what came in, and what a block may hold.
 *
 * @example
 *
 * ```ts
 * import { Mempool, type MempoolChain } from '@gridmesh/mempool'
 *
 * async function offer(chain: MempoolChain, bytes: Uint8Array): Promise<string[]> {
 *   const pool = new Mempool({ chain }, { maxTransactions: 10_000 })
 *   await pool.start()
 *   const result = await pool.add(bytes)
 *   if (result.status === 'refused') return [result.code]
 *   return pool.take(1_000_000, 5_000).map(({ id }) => id)
 * }
 * ```
 */
import type { MempoolChain, PoolTransaction } from './chain.ts'
import type { MempoolLog } from './log.ts'
import type { Refusal } from './refusal.ts'

/** Options of the mempool. */
export interface MempoolInit {
  /** Longest transaction, in bytes; a longer one is refused unread, as `too-large`. @default 65_536 */
  maxTransactionBytes?: number
  /** Transactions in the pool; beyond it the least urgent, newest ones go for a more urgent one. @default 100_000 */
  maxTransactions?: number
  /** Sizes of those in the pool together, in bytes; beyond it as with `maxTransactions`. @default 67_108_864 */
  maxBytes?: number
  /** Transactions of one sender; beyond it its own least urgent, newest go for its more urgent one. @default 10_000 */
  maxTransactionsPerSender?: number
  /** Sizes of those of one sender, in bytes; beyond it as with `maxTransactionsPerSender`. @default 8_388_608 */
  maxBytesPerSender?: number
  /** Time in the pool after which a transaction goes within a second, with all that builds on it, in ms. @default 3_600_000 */
  maxAgeMs?: number
  /** Transactions that wait for what they build on; beyond it the oldest goes. With 0 none may wait. @default 1_000 */
  maxWaiting?: number
  /** Sizes of those that wait together, in bytes; beyond it the oldest goes. @default 2_097_152 */
  maxWaitingBytes?: number
  /** Transactions of one sender that wait; a further one is refused as `waiting-full`. @default 100 */
  maxWaitingPerSender?: number
  /** Time after which, within a second, a transaction no longer waits, in ms. @default 60_000 */
  maxWaitingMs?: number
  /** Transactions being checked; beyond it the newest of the lane with most of them is refused as `busy`. @default 8_192 */
  maxPending?: number
  /** Sizes of those being checked together, in bytes; beyond it as with `maxPending`. @default 16_777_216 */
  maxPendingBytes?: number
  /** Ids, and as many spent keys, of blocks that are remembered, the newest half of them for certain; beyond it older ones are forgotten. @default 65_536 */
  maxRemembered?: number
  /** Transactions whose signatures are checked by one call, and that the state is asked about by one. @default 256 */
  batchSize?: number
  /** Batches of signatures under way at once; further ones wait. @default 2 */
  concurrency?: number
  /** Time that a call of the chain may take, and the log when the pool stops, in ms; then it has failed. @default 10_000 */
  deadlineMs?: number
}

/** What the mempool is built on. */
export interface MempoolComponents<T extends PoolTransaction = PoolTransaction> {
  chain: MempoolChain<T>
  /** Keeps what the pool holds over a restart. @default nothing is kept */
  log?: MempoolLog
}

/** What a call may be given. */
export interface CallOptions {
  /** Ends the call. */
  signal?: AbortSignal | undefined
}

/** How a transaction is offered. */
export interface AddOptions extends CallOptions {
  /** Whether it comes from a user of this node, who counts on it to be passed on, and not from a peer. @default false */
  isLocal?: boolean | undefined
}

/** How a block is filled. */
export interface TakeOptions<T extends PoolTransaction = PoolTransaction> {
  /**
   * Says whether a transaction may be in this block; one that may not is left out with all that builds on it. It is asked
   * of each in turn, before all else, and so of some that are not taken for another reason. @default each may
   */
  accepts?(transaction: T): boolean
  /** Is told of each that is taken, before it is asked about the next. @default nobody is told */
  onTaken?(transaction: T): void
}

/** What became of a transaction that was offered. A refusal has a `RefusalCode`, or a code of the chain. */
export type AddResult =
  | { status: 'added'; id: string }
  | { status: 'waiting'; id: string; missing: Refusal }
  | ({ status: 'refused' } & Refusal)

/** What became of records that were read. */
export interface RestoreReport {
  /** Transactions in the pool again. */
  added: number
  /** Transactions that wait again. */
  waiting: number
  /** Transactions that the checks refused, or that were too many for the pool, by code. */
  refused: Record<string, number>
  /** Records that could not be read. */
  corrupt: number
}

/** What the pool holds, and what it did since it was made. */
export interface MempoolStats {
  transactions: number
  bytes: number
  senders: number
  waiting: number
  waitingBytes: number
  /** Being checked. */
  pending: number
  pendingBytes: number
  /** Transactions that came into the pool. */
  added: number
  /** Refused when they were offered, by code. */
  refused: Record<string, number>
  /** Not held any more, by reason. */
  removed: Record<string, number>
  /** Records of the log, or of a snapshot, that could not be read. */
  corruptRecords: number
  /** Records that the log has not been given yet; those of a call under way are not among them. */
  unwrittenRecords: number
  /** Calls of the log that failed. */
  logFailures: number
}

export * from './chain.ts'
export type { RemovalReason } from './changes.ts'
export type { MempoolEvents, RemovedTransaction } from './events.ts'
export type { LogCall, MempoolLog } from './log.ts'
export { Mempool } from './mempool.ts'
export type { Refusal, RefusalCode } from './refusal.ts'
