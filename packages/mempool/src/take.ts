import type { PoolTransaction } from './chain.ts'
import { MAX_SKIPPED } from './constants.ts'
import type { Entry } from './entry.ts'
import type { PoolIndex } from './pool-index.ts'

/** What a block has room for. */
export interface BlockRoom<T extends PoolTransaction> {
  readonly maxBytes: number
  readonly maxCount: number
  /** Says whether a transaction may be in this block. */
  accepts(transaction: T): boolean
}

/**
 * The first transactions in the order of the pool that fit, each after those that it builds on. One that does not fit is
 * left out with all that builds on it. @throws {RangeError} for what is not a whole number of 0 or more
 */
export function take<T extends PoolTransaction>(index: PoolIndex<T>, room: BlockRoom<T>): T[] {
  for (const name of ['maxBytes', 'maxCount'] as const) {
    const value = room[name]
    if (Number.isSafeInteger(value) && value >= 0) continue
    throw new RangeError(`${name} ${value} must be a whole number of 0 or more`)
  }
  const taken: T[] = []
  const leftOut = new Set<Entry<T>>()
  let bytes = 0
  let skipped = 0
  for (const entry of index.order) {
    if (taken.length >= room.maxCount || bytes >= room.maxBytes || skipped >= MAX_SKIPPED) break
    const { transaction } = entry
    const isBlocked = leftOut.size > 0 && index.parentsOf(transaction).some((parent) => leftOut.has(parent))
    if (isBlocked || bytes + transaction.size > room.maxBytes || !room.accepts(transaction)) {
      leftOut.add(entry)
      skipped += 1
      continue
    }
    taken.push(transaction)
    bytes += transaction.size
    skipped = 0
  }
  return taken
}
