import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import type { MempoolEvents } from './events.ts'

/** Sends an event. */
type Dispatch<T extends PoolTransaction> = <Name extends keyof MempoolEvents<T>>(
  name: Name,
  detail: MempoolEvents<T>[Name]['detail'],
) => void

/** Makes an event of a change; another place in the order is none. */
export function announce<T extends PoolTransaction>(change: PoolChange<T>, dispatch: Dispatch<T>): void {
  if (change.type === 'added') dispatch('transaction:added', { transaction: change.entry.transaction })
  else if (change.type === 'waiting') {
    dispatch('transaction:waiting', { transaction: change.orphan.transaction, missing: change.missing })
  } else if (change.type === 'removed') {
    const { transaction, reason, message, wasWaiting } = change
    dispatch('transaction:removed', { transaction, reason, message, wasWaiting })
  }
}
