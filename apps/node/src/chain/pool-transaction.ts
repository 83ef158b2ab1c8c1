import type { Lane } from '@gridmesh/interfaces'
import {
  authorityRegister,
  authorityRevoke,
  blockBytes,
  type Claims,
  claimsOf,
  gridStateUpdate,
  proposal,
  type Registry,
  toHex,
  type Transaction,
  vote,
} from '@gridmesh/ledger'
import type { AppliedTransaction, PoolTransaction } from '@gridmesh/mempool'

/** A transaction of the ledger, as the mempool holds it. */
export interface LedgerPoolTransaction extends PoolTransaction {
  readonly transaction: Transaction
  readonly reading: Claims['reading']
}

const EMPTY_BLOCK_BYTES = blockBytes([])
const PLACE_DIGITS = 4
/** The first places, of which nearly all are one. */
const PLACES = Array.from({ length: 16 }, (_, index) => index.toString(16).padStart(PLACE_DIGITS, '0'))
const LANES: ReadonlyMap<string, Lane> = new Map([
  [gridStateUpdate.name, 'critical'],
  [proposal.name, 'high'],
  [vote.name, 'high'],
  [authorityRegister.name, 'high'],
  [authorityRevoke.name, 'high'],
])

/** What the mempool has to know of a transaction. */
export function poolTransaction(transaction: Transaction, registry: Registry): LedgerPoolTransaction {
  const { bytes, kind } = transaction
  const claims = claimsOf(transaction, registry)
  return {
    ...appliedOf(transaction, claims, claims.makes?.sure ?? 0),
    transaction,
    reading: claims.reading,
    bytes,
    size: blockBytes([transaction]) - EMPTY_BLOCK_BYTES,
    lane: LANES.get(kind) ?? 'normal',
  }
}

/**
 * What the mempool has to know of a transaction that a block applied. It names what may have been made as well, as the
 * change of a reading: whoever waits for it in vain is looked at once more, and else would not be looked at again.
 */
export function appliedTransaction(transaction: Transaction, registry: Registry): AppliedTransaction {
  const claims = claimsOf(transaction, registry)
  return appliedOf(transaction, claims, claims.makes?.most ?? claims.makes?.sure ?? 0)
}

function appliedOf(
  { id, address, nonce }: Transaction,
  { spends, reading }: Claims,
  count: number,
): AppliedTransaction {
  const name = toHex(id)
  const keys = spends.map(toHex)
  const made: string[] = []
  for (let index = 0; index < count; index++) made.push(name + placeOf(index))
  return {
    id: name,
    sender: toHex(address),
    nonce,
    // One reading of a meter at a time: a later one applies before an earlier one, and not the other way round.
    spends: reading === undefined ? keys : [meterKey(reading), ...keys],
    makes: made,
  }
}

/** The place of an output behind the id of who makes it, as `outputId` has it: two bytes, here in hex. */
function placeOf(index: number): string {
  return PLACES[index] ?? index.toString(16).padStart(PLACE_DIGITS, '0')
}

/** The transaction that makes the output that a key stands for, and its place there. */
export function outputOf(key: string): { maker: string; index: number } {
  return { maker: key.slice(0, -PLACE_DIGITS), index: Number.parseInt(key.slice(-PLACE_DIGITS), 16) }
}

/** The key that stands for the next reading of a meter. */
export function meterKey({ meter }: NonNullable<Claims['reading']>): string {
  return `meter ${meter}`
}
