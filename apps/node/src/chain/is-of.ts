import type { Kind, Transaction } from '@gridmesh/ledger'

/** Whether a transaction is of a kind. Only the module of a kind makes bodies under its name. */
export function isOf<Body>(transaction: Transaction, kind: Kind<Body>): transaction is Transaction<Body> {
  return transaction.kind === kind.name
}
