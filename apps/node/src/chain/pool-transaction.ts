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
import type { PoolTransaction } from '@gridmesh/mempool'

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
  const { id, address, nonce, bytes, kind } = transaction
  const { spends, makes, reading } = claimsOf(transaction, registry)
  const { sure = 0, most = sure } = makes ?? {}
  const name = toHex(id)
  const keys = spends.map(toHex)
  return {
    id: name,
    sender: toHex(address),
    nonce,
    spends: reading === undefined ? keys : [readingKey(reading), ...keys],
    makes: outputKeys(name, 0, sure),
    // As the change of a reading.
    mayMake: outputKeys(name, sure, most),
    // A later reading applies before an earlier one, and not the other way round.
    series: reading && { name: `meter ${reading.meter}`, number: reading.sequence },
    transaction,
    reading,
    bytes,
    size: blockBytes([transaction]) - EMPTY_BLOCK_BYTES,
    lane: LANES.get(kind) ?? 'normal',
  }
}

/** The keys of the outputs of a transaction from one place to another. */
function outputKeys(name: string, from: number, to: number): string[] {
  const keys: string[] = []
  for (let index = from; index < to; index++) keys.push(name + placeOf(index))
  return keys
}

/** The place of an output behind the id of who makes it, as `outputId` has it: two bytes, here in hex. */
function placeOf(index: number): string {
  return PLACES[index] ?? index.toString(16).padStart(PLACE_DIGITS, '0')
}

/** The transaction that makes the output that a key stands for, and its place there. */
export function outputOf(key: string): { maker: string; index: number } {
  return { maker: key.slice(0, -PLACE_DIGITS), index: Number.parseInt(key.slice(-PLACE_DIGITS), 16) }
}

/** The key that stands for one reading of a meter. */
export function readingKey({ meter, sequence }: NonNullable<Claims['reading']>): string {
  return `meter ${meter}/${sequence}`
}
