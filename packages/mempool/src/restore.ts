import type { Admission } from './admission.ts'
import type { MempoolChain, PoolTransaction } from './chain.ts'
import type { Placement } from './changes.ts'
import { Counts } from './counts.ts'
import type { RestoreReport } from './index.ts'
import type { MempoolOptions } from './options.ts'
import { type Kept, RecordReader } from './records.ts'
import type { RefusalCode } from './refusal.ts'

/**
 * How often a transaction is offered. What a chain has follow from others, as what is decided from its votes, and those from
 * what is voted on, may have come before them: unlike what spends their keys, it has no place after them.
 */
const MAX_PASSES = 3
/** What the pool refuses whatever else comes in. */
const FOR_GOOD: ReadonlySet<string> = new Set<RefusalCode>([
  'not-running',
  'too-large',
  'malformed',
  'already-known',
  'already-applied',
  'pool-full',
  'sender-full',
  'invalid-signature',
  'conflict',
  'spent-input',
  'stale-nonce',
])
/** What it refuses for want of something that was refused itself. */
const FOR_OTHERS: ReadonlySet<string> = new Set<RefusalCode>(['unknown-input', 'nonce-gap'])

/** A transaction that was held, with the reading that `performance.now()` would have had when it came. */
interface Returning<T extends PoolTransaction> {
  readonly transaction: T
  readonly kept: Kept<T>
  readonly atMs: number
  /** What was in the pool applied once: what it built on came into the chain, or never will. */
  readonly isFirm: boolean
}

interface Refused<T extends PoolTransaction> {
  readonly returning: Returning<T>
  readonly code: string
}

/** What became of records. */
export interface Restored<T extends PoolTransaction> {
  readonly report: RestoreReport
  /** Those that the chain gave no answer for. */
  readonly unjudged: readonly Kept<T>[]
}

/** A reader of records, which keeps no more than the pool may hold. */
export function readerOf<T extends PoolTransaction>(
  chain: MempoolChain<T>,
  { maxTransactions, maxWaiting }: MempoolOptions,
): RecordReader<T> {
  return new RecordReader((bytes) => chain.decode(bytes), { placed: maxTransactions, waiting: maxWaiting })
}

/**
 * Takes what records tell of through all checks, in the order in which it was held; and what was refused once more after the
 * others, as long as more of it comes in.
 */
export async function restore<T extends PoolTransaction>(
  reader: RecordReader<T>,
  admission: Admission<T>,
  options: MempoolOptions,
): Promise<Restored<T>> {
  const refused = new Counts()
  if (reader.dropped > 0) refused.add('pool-full', reader.dropped)
  const kept = reader.kept()
  let left = inTime(kept, options)
  if (left.length < kept.length) refused.add('expired', kept.length - left.length)
  const report = { added: 0, waiting: 0 }
  const unjudged: Kept<T>[] = []
  for (let pass = 1; left.length > 0; pass++) {
    const refusals: Refused<T>[] = []
    for (const [returning, placement] of await offer(left, admission, options)) {
      if (placement.status === 'refused') refusals.push({ returning, code: placement.refusal.code })
      else report[placement.status] += 1
    }
    const isOfChain = ({ code }: Refused<T>): boolean => !FOR_GOOD.has(code) && !FOR_OTHERS.has(code)
    const isOver = pass === MAX_PASSES || refusals.length === left.length || !refusals.some(isOfChain)
    const isFinal = ({ code }: Refused<T>): boolean => isOver || FOR_GOOD.has(code)
    for (const { code, returning } of refusals.filter(isFinal)) {
      refused.add(code)
      if (code === 'chain-failed') unjudged.push(returning.kept)
    }
    left = refusals.filter((one) => !isFinal(one)).map(({ returning }) => returning)
  }
  return { report: { ...report, refused: refused.toObject(), corrupt: reader.corrupt }, unjudged }
}

/** Offers transactions, in order and some at a time. Gives what became of each. */
async function offer<T extends PoolTransaction>(
  all: readonly Returning<T>[],
  admission: Admission<T>,
  { batchSize, concurrency }: MempoolOptions,
): Promise<[Returning<T>, Placement][]> {
  const placed: [Returning<T>, Placement][] = []
  const step = batchSize * concurrency
  for (let i = 0; i < all.length; i += step) {
    const some = all.slice(i, i + step)
    const placements = await admission.restore(some)
    for (const [at, placement] of placements.entries()) {
      const returning = some[at]
      if (returning !== undefined) placed.push([returning, placement])
    }
  }
  return placed
}

/** Those not too old. A clock that was set back makes nothing younger than new. */
function inTime<T extends PoolTransaction>(kept: readonly Kept<T>[], options: MempoolOptions): Returning<T>[] {
  const [nowMs, calendarMs] = [performance.now(), Date.now()]
  const returning: Returning<T>[] = []
  for (const each of kept) {
    const { transaction, type, atMs } = each
    const ageMs = Math.max(0, calendarMs - atMs)
    const isFirm = type === 'placed'
    if (ageMs < (isFirm ? options.maxAgeMs : options.maxWaitingMs)) {
      returning.push({ transaction, kept: each, atMs: nowMs - ageMs, isFirm })
    }
  }
  return returning
}

/** Of a start that had nothing to read. */
export function nothing(): RestoreReport {
  return { added: 0, waiting: 0, refused: {}, corrupt: 0 }
}
