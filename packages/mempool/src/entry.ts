import { LANES } from '@gridmesh/interfaces'
import type { PoolTransaction } from './chain.ts'

/** A transaction in the pool. Whoever changes `rank` or `order` takes it out of all ordered sets before. */
export interface Entry<T extends PoolTransaction> {
  readonly transaction: T
  /** 0 for the most urgent lane; never more urgent than what it builds on. */
  rank: number
  /** Place among all that came; later than what it builds on. */
  order: number
  /** Reading of `performance.now()`. */
  readonly placedAtMs: number
}

/** What an ordered set of entries compares. */
export type Place = Pick<Entry<PoolTransaction>, 'rank' | 'order'>

/** The order of the pool: by lane, then by arrival. */
export function comparePlaces(a: Place, b: Place): number {
  return a.rank - b.rank || a.order - b.order
}

/** The rank of a transaction by its own lane. */
export function rankOf({ lane }: PoolTransaction): number {
  return LANES.indexOf(lane)
}
