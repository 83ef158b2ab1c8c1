import type { PoolTransaction } from './chain.ts'
import { comparePlaces, type Entry, type Place, rankOf } from './entry.ts'
import { OrderedSet } from './ordered-set.ts'
import type { PoolIndex } from './pool-index.ts'

/**
 * The place of a transaction: as urgent as the least urgent of its parents at most, and later than all of them. So
 * parents come first. Raising a parent instead would let the bulk ride ahead with one urgent transaction behind it.
 */
export function placeFor<T extends PoolTransaction>(
  index: PoolIndex<T>,
  transaction: T,
  wanted: number,
  next: () => number,
): Place {
  let rank = rankOf(transaction)
  let latest = -Infinity
  for (const parent of index.parentsOf(transaction)) {
    rank = Math.max(rank, parent.rank)
    latest = Math.max(latest, parent.order)
  }
  return { rank, order: wanted > latest ? wanted : next() }
}

/**
 * Those that build on an entry and are less urgent than their own lanes by it: whose place may be another once it is
 * gone. To align all of them would look up what each builds on, which may be 256 times 256 for one transaction.
 */
export function heldBackBy<T extends PoolTransaction>(index: PoolIndex<T>, entry: Entry<T>): Entry<T>[] {
  return index
    .followersOf(entry.transaction)
    .filter(({ rank, transaction }) => rank === entry.rank && rank > rankOf(transaction))
}

/** Those that build on an entry that has just come, and are not after it: what a block gives back may have others there. */
export function aheadOf<T extends PoolTransaction>(index: PoolIndex<T>, entry: Entry<T>): Entry<T>[] {
  return index.followersOf(entry.transaction).filter(({ rank, order }) => rank < entry.rank || order <= entry.order)
}

/** Gives entries, and those after them, the place that their parents now leave them. Gives back whose order changed. */
export function align<T extends PoolTransaction>(
  index: PoolIndex<T>,
  entries: readonly Entry<T>[],
  next: () => number,
): Entry<T>[] {
  const moved: Entry<T>[] = []
  const seen = new Set<Entry<T>>()
  // By their places before: so whoever moves does so before those that build on it are looked at.
  const due = new OrderedSet<Entry<T>>(comparePlaces)
  for (const entry of entries) due.add(entry)
  for (let entry = due.first; entry !== undefined; entry = due.first) {
    due.delete(entry)
    // Twice would only be where a chain makes anew a key that it had before, in a circle.
    if (seen.has(entry)) continue
    seen.add(entry)
    const { transaction, order } = entry
    const place = placeFor(index, transaction, order, next)
    if (comparePlaces(place, entry) === 0) continue
    index.move(entry, place.rank, place.order)
    if (place.order !== order) moved.push(entry)
    for (const child of index.followersOf(transaction)) due.add(child)
  }
  return moved
}
