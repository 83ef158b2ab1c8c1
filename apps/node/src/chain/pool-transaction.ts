import type { Lane } from '@gridmesh/interfaces'
import {
  authorityRegister,
  authorityRevoke,
  gridStateUpdate,
  meterReading,
  outputId,
  proposal,
  tender,
  toHex,
  type Transaction,
  transfer,
  vote,
} from '@gridmesh/ledger'
import type { PoolTransaction } from '@gridmesh/mempool'
import { isOf } from './is-of.ts'

/** A transaction of the ledger, as the mempool holds it. */
export interface LedgerPoolTransaction extends PoolTransaction {
  readonly transaction: Transaction
}

type Keys = Pick<PoolTransaction, 'spends' | 'makes'>

/** What a block adds to each transaction, in bytes: its length. */
const LENGTH_BYTES = 4
const METER = 'meter '
const NO_KEYS: Keys = { spends: [], makes: [] }
const LANES: ReadonlyMap<string, Lane> = new Map([
  [gridStateUpdate.name, 'critical'],
  [proposal.name, 'high'],
  [vote.name, 'high'],
  [authorityRegister.name, 'high'],
  [authorityRevoke.name, 'high'],
])

/** What the mempool has to know of a transaction. */
export function poolTransaction(transaction: Transaction): LedgerPoolTransaction {
  const { id, address, bytes, nonce, kind } = transaction
  return {
    transaction,
    id: toHex(id),
    sender: toHex(address),
    bytes,
    size: bytes.byteLength + LENGTH_BYTES,
    lane: LANES.get(kind) ?? 'normal',
    ...keysOf(transaction),
    nonce,
  }
}

/** The meter of a key that stands for one. */
export function meterIn(key: string): string | undefined {
  return key.startsWith(METER) ? key.slice(METER.length) : undefined
}

function keysOf(transaction: Transaction): Keys {
  if (isOf(transaction, transfer)) {
    const { inputs, outputs } = transaction.body
    return { spends: inputs.map(toHex), makes: madeBy(transaction, outputs.length) }
  }
  if (isOf(transaction, meterReading)) {
    const { meter, inputs, producedWh } = transaction.body
    // One reading of a meter at a time: a later one applies before an earlier one, and not the other way round. Whether
    // there is change, only the state can say.
    return { spends: [`${METER}${meter}`, ...inputs.map(toHex)], makes: madeBy(transaction, producedWh > 0 ? 1 : 0) }
  }
  if (!isOf(transaction, tender)) return NO_KEYS
  const { body } = transaction
  if (body.action === 'redeem') return { spends: body.inputs.map(toHex), makes: [] }
  return { spends: [], makes: madeBy(transaction, body.outputs.length) }
}

function madeBy({ id }: Transaction, count: number): string[] {
  return Array.from({ length: count }, (_, index) => toHex(outputId(id, index)))
}
