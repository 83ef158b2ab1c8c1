import type { Lane } from '@gridmesh/interfaces'
import {
  authorityRegister,
  authorityRevoke,
  blockBytes,
  type Claims,
  claimsOf,
  gridStateUpdate,
  outputId,
  proposal,
  type Registry,
  toHex,
  type Transaction,
  vote,
} from '@gridmesh/ledger'
import type { PoolTransaction } from '@gridmesh/mempool'

/** A transaction of the ledger, as the mempool holds it. */
export interface LedgerPoolTransaction extends PoolTransaction {
  readonly transaction: Transaction
  readonly reading: Claims['reading']
}

const EMPTY_BLOCK_BYTES = blockBytes([])
const LANES: ReadonlyMap<string, Lane> = new Map([
  [gridStateUpdate.name, 'critical'],
  [proposal.name, 'high'],
  [vote.name, 'high'],
  [authorityRegister.name, 'high'],
  [authorityRevoke.name, 'high'],
])

/** What the mempool has to know of a transaction. */
export function poolTransaction(transaction: Transaction, registry: Registry): LedgerPoolTransaction {
  const { id, address, bytes, nonce, kind } = transaction
  const { spends, makes = 0, reading } = claimsOf(transaction, registry)
  return {
    transaction,
    reading,
    id: toHex(id),
    sender: toHex(address),
    bytes,
    size: blockBytes([transaction]) - EMPTY_BLOCK_BYTES,
    lane: LANES.get(kind) ?? 'normal',
    // One reading of a meter at a time: a later one applies before an earlier one, and not the other way round.
    spends: [...(reading === undefined ? [] : [meterKey(reading)]), ...spends.map(toHex)],
    makes: Array.from({ length: makes }, (_, index) => toHex(outputId(id, index))),
    nonce,
  }
}

/** The key that stands for the next reading of a meter. */
export function meterKey({ meter }: NonNullable<Claims['reading']>): string {
  return `meter ${meter}`
}
