import { gridStateUpdate } from '@gridmesh/ledger'
import type { Mempool } from '@gridmesh/mempool'
import { isOf } from './is-of.ts'
import type { LedgerPoolTransaction } from './pool-transaction.ts'

type Pool = Pick<Mempool<LedgerPoolTransaction>, 'transactions' | 'reject'>

/** The highest sequence number of the grid states that wait; 0 where none does. */
export function newestGridState(pool: Pool): number {
  return waiting(pool).reduce((newest, { sequence }) => Math.max(newest, sequence), 0)
}

/** Drops the grid states that are past once the chain has one of `sequence`: no block can apply them any more. */
export function dropPastGridStates(pool: Pool, sequence: number): void {
  for (const old of waiting(pool)) {
    if (old.sequence > sequence) continue
    pool.reject(old.id, { code: 'stale-sequence', message: `grid state ${old.sequence}, and ${sequence} is there` })
  }
}

function waiting(pool: Pool): { id: string; sequence: number }[] {
  const found: { id: string; sequence: number }[] = []
  for (const { id, lane, transaction } of pool.transactions()) {
    // Nothing else is as urgent, and they build on nothing that could hold them back: they come first.
    if (lane !== 'critical') break
    if (isOf(transaction, gridStateUpdate)) found.push({ id, sequence: transaction.body.sequence })
  }
  return found
}
