import type { Candidate, PoolTransaction, StateFacts } from './chain.ts'
import type { PoolIndex } from './pool-index.ts'

/** Each with the transactions that make what it spends: in the pool, or before it among these. */
export function candidatesFor<T extends PoolTransaction>(
  transactions: readonly T[],
  index: PoolIndex<T>,
): Candidate<T>[] {
  const before = new Map<string, T>()
  return transactions.map((transaction) => {
    const parents = parentsIn(index, transaction, before)
    for (const key of transaction.makes) before.set(key, transaction)
    return { transaction, parents }
  })
}

/** Whether the pool has, by now, the parents with which a candidate was looked at, and no others. */
export function hasItsParents<T extends PoolTransaction>(
  { transaction, parents }: Candidate<T>,
  index: PoolIndex<T>,
): boolean {
  const now = parentsIn(index, transaction)
  return now.length === parents.length && now.every((parent, i) => parent === parents[i])
}

/** Whether a chain has said what there was to say. */
export function isWhole(facts: StateFacts | undefined, { spends, nonce }: PoolTransaction): facts is StateFacts {
  if (!Array.isArray(facts?.keys) || facts.keys.length !== spends.length) return false
  return nonce === undefined || Number.isSafeInteger(facts.nextNonce)
}

function parentsIn<T extends PoolTransaction>(
  index: PoolIndex<T>,
  { spends }: T,
  before?: ReadonlyMap<string, T>,
): T[] {
  const parents = spends.map((key) => index.makerOf(key)?.transaction ?? before?.get(key))
  return [...new Set(parents.filter((parent) => parent !== undefined))]
}
