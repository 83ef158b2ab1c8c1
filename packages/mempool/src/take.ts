import type { PoolTransaction } from './chain.ts'
import { MAX_SKIPPED } from './constants.ts'
import type { Entry } from './entry.ts'
import type { TakeOptions } from './index.ts'
import type { PoolIndex } from './pool-index.ts'

/** What a block has room for, and whom it may have. */
export interface BlockRoom<T extends PoolTransaction> extends Required<TakeOptions<T>> {
  readonly maxBytes: number
  readonly maxCount: number
}

/**
 * The first transactions in the order of the pool that fit, each after those that it builds on. One that does not fit, or
 * may not be in the block, is left out with all that builds on it. Only those that do not fit are counted: whoever fills
 * the pool with what this block may not have would keep from it what comes behind. They cost a question each.
 * @throws {RangeError} for what is not a whole number of 0 or more
 */
export function take<T extends PoolTransaction>(index: PoolIndex<T>, room: BlockRoom<T>): T[] {
  const { maxBytes, maxCount } = room
  for (const [name, value] of Object.entries({ maxBytes, maxCount })) {
    if (Number.isSafeInteger(value) && value >= 0) continue
    throw new RangeError(`${name} ${value} must be a whole number of 0 or more`)
  }
  const taken = new Set<Entry<T>>()
  const unfit = new Set<Entry<T>>()
  let isAllTaken = true
  let bytes = 0
  let skipped = 0
  for (const entry of index.order) {
    if (taken.size >= maxCount || bytes >= maxBytes || skipped >= MAX_SKIPPED) break
    const { transaction } = entry
    if (!room.accepts(transaction)) {
      isAllTaken = false
      continue
    }
    const absent = isAllTaken ? [] : index.parentsOf(transaction).filter((parent) => !taken.has(parent))
    if (bytes + transaction.size > maxBytes || absent.some((parent) => unfit.has(parent))) {
      unfit.add(entry)
      skipped += 1
      isAllTaken = false
    } else if (absent.length === 0) {
      taken.add(entry)
      bytes += transaction.size
      skipped = 0
      room.onTaken(transaction)
    }
  }
  return Array.from(taken, ({ transaction }) => transaction)
}
