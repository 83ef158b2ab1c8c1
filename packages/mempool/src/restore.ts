import type { Admission } from './admission.ts'
import type { MempoolChain, PoolTransaction } from './chain.ts'
import { Counts } from './counts.ts'
import type { RestoreReport } from './index.ts'
import type { MempoolOptions } from './options.ts'
import { type Kept, RecordReader } from './records.ts'

/** A transaction that was held, with the reading that `performance.now()` would have had when it came. */
interface Returning<T extends PoolTransaction> {
  readonly transaction: T
  readonly atMs: number
  /** What was in the pool applied once: what it built on came into the chain, or never will. */
  readonly isFirm: boolean
}

/** A reader of records, which keeps no more than the pool may hold. */
export function readerOf<T extends PoolTransaction>(
  chain: MempoolChain<T>,
  { maxTransactions, maxWaiting }: MempoolOptions,
): RecordReader<T> {
  return new RecordReader((bytes) => chain.decode(bytes), { placed: maxTransactions, waiting: maxWaiting })
}

/** Takes what records tell of through all checks, in the order in which it was held. */
export async function restore<T extends PoolTransaction>(
  reader: RecordReader<T>,
  admission: Admission<T>,
  options: MempoolOptions,
): Promise<RestoreReport> {
  const refused = new Counts()
  if (reader.dropped > 0) refused.add('pool-full', reader.dropped)
  const kept = reader.kept()
  const returning = inTime(kept, options)
  if (returning.length < kept.length) refused.add('expired', kept.length - returning.length)
  const report = { added: 0, waiting: 0 }
  const step = options.batchSize * options.concurrency
  for (let i = 0; i < returning.length; i += step) {
    for (const placement of await admission.restore(returning.slice(i, i + step))) {
      if (placement.status === 'refused') refused.add(placement.refusal.code)
      else report[placement.status] += 1
    }
  }
  return { ...report, refused: refused.toObject(), corrupt: reader.corrupt }
}

/** Those not too old. A clock that was set back makes nothing younger than new. */
function inTime<T extends PoolTransaction>(kept: readonly Kept<T>[], options: MempoolOptions): Returning<T>[] {
  const [nowMs, calendarMs] = [performance.now(), Date.now()]
  const returning: Returning<T>[] = []
  for (const { transaction, type, atMs } of kept) {
    const ageMs = Math.max(0, calendarMs - atMs)
    const isFirm = type === 'placed'
    if (ageMs < (isFirm ? options.maxAgeMs : options.maxWaitingMs)) {
      returning.push({ transaction, atMs: nowMs - ageMs, isFirm })
    }
  }
  return returning
}

/** Of a start that had nothing to read. */
export function nothing(): RestoreReport {
  return { added: 0, waiting: 0, refused: {}, corrupt: 0 }
}
