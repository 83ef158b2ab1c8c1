import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import type { LocalMarks } from './local-marks.ts'
import type { Pool } from './pool.ts'
import { encodeRecord, type PoolRecord } from './records.ts'

/** The records of all that is held, each made when it is asked for. */
export function contentsOf<T extends PoolTransaction>(
  { index, orphans }: Pool<T>,
  local: LocalMarks,
): (() => Uint8Array)[] {
  const toCalendarMs = calendar()
  const record =
    (type: 'placed' | 'waiting', { bytes }: T, order: number, atMs: number) =>
    (): Uint8Array =>
      encodeRecord({ type, order, atMs: toCalendarMs(atMs), bytes })
  return [
    ...Array.from(orphans.all(), (orphan) => record('waiting', orphan.transaction, orphan.order, orphan.heldAtMs)),
    ...Array.from(index.order, (entry) => record('placed', entry.transaction, entry.order, entry.placedAtMs)),
    ...Array.from(local.ids(), (id) => () => encodeRecord({ type: 'local', id })),
  ]
}

/** What goes comes first, then what waits, which may have been in the pool before, and last what came into the pool. */
const ORDER: readonly PoolRecord['type'][] = ['removed', 'waiting', 'placed']

/**
 * The records that tell of changes: the last of each transaction, and first of those that make room. So whoever reads them
 * has at no time more in the pool than there is room for, although a revert brings back more before the last go.
 */
export function recordsOf<T extends PoolTransaction>(changes: readonly PoolChange<T>[]): Uint8Array[] {
  const toCalendarMs = calendar()
  const records = new Map<string, PoolRecord>()
  for (const change of changes) {
    const { id } = transactionOf(change)
    records.delete(id)
    records.set(id, recordOf(change, toCalendarMs))
  }
  const inOrder = [...records.values()].toSorted((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type))
  return inOrder.map(encodeRecord)
}

function recordOf<T extends PoolTransaction>(
  change: PoolChange<T>,
  toCalendarMs: (atMs: number) => number,
): PoolRecord {
  if (change.type === 'removed') return { type: 'removed', id: change.transaction.id }
  if (change.type === 'waiting') {
    const { transaction, order, heldAtMs } = change.orphan
    return { type: 'waiting', order, atMs: toCalendarMs(heldAtMs), bytes: transaction.bytes }
  }
  const { transaction, order, placedAtMs } = change.entry
  return { type: 'placed', order, atMs: toCalendarMs(placedAtMs), bytes: transaction.bytes }
}

function transactionOf<T extends PoolTransaction>(change: PoolChange<T>): T {
  if (change.type === 'removed') return change.transaction
  return change.type === 'waiting' ? change.orphan.transaction : change.entry.transaction
}

/** Turns readings of `performance.now()` into calendar time, as of now. */
function calendar(): (atMs: number) => number {
  const offsetMs = Date.now() - performance.now()
  return (atMs) => atMs + offsetMs
}
