import {
  checkTransaction,
  decodeTransaction,
  defaultRegistry,
  meterReading,
  type MeterReadingBody,
  meters,
  nextNonce,
  nonces,
  outputId,
  outputs,
  Overlay,
  signatureOf,
  type StateView,
  toHex,
  type Transaction,
  transfer,
  type TransferBody,
  verifySignature,
} from '@gridmesh/ledger'
import type { Lane } from '@gridmesh/interfaces'
import type { Candidate, KeyState, MempoolChain, PoolTransaction, StateFacts } from '../src/index.ts'

export interface LedgerPoolTransaction extends PoolTransaction {
  readonly transaction: Transaction
}

const LANES: Readonly<Record<string, Lane>> = { 'grid-state': 'critical', proposal: 'high', vote: 'high' }
/** What a block adds to each transaction. */
const LENGTH_BYTES = 2

/** The energy chain, as the pool meets it. */
export class LedgerChain implements MempoolChain<LedgerPoolTransaction> {
  readonly #view: StateView
  readonly #chainId: Uint8Array
  readonly #height: () => number

  constructor(view: StateView, chainId: Uint8Array, height: () => number) {
    this.#view = view
    this.#chainId = chainId
    this.#height = height
  }

  decode(bytes: Uint8Array): LedgerPoolTransaction {
    return describe(decodeTransaction(bytes, defaultRegistry))
  }

  verify(transactions: readonly LedgerPoolTransaction[]): boolean[] {
    return transactions.map(({ transaction }) => verifySignature(signatureOf(transaction, this.#chainId)))
  }

  look(candidates: readonly Candidate<LedgerPoolTransaction>[]): StateFacts[] {
    return candidates.map((candidate) => this.#factsOf(candidate))
  }

  #factsOf({ transaction: { transaction, spends }, parents }: Candidate<LedgerPoolTransaction>): StateFacts {
    const block = { height: this.#height() + 1, timeMs: Date.now() }
    const state = new Overlay(this.#view)
    for (const { transaction: parent } of parents) defaultRegistry.byName(parent.kind)?.apply(parent, state, block)
    const { nonce, address } = transaction
    // Numbers are the pool's to judge: those before may be in it.
    if (nonce !== undefined) nonces.put(state, address, nonce)
    const refusal = checkTransaction(transaction, state, block, defaultRegistry)
    return {
      keys: spends.map((key) => this.#stateOf(key, transaction)),
      nextNonce: nextNonce(this.#view, address),
      refusal,
    }
  }

  #stateOf(key: string, { body }: Transaction): KeyState {
    if (isReading(key)) {
      const { meter, sequence } = body as MeterReadingBody
      return sequence > (meters.get(this.#view, meter)?.sequence ?? 0) ? 'unspent' : 'spent'
    }
    return outputs.has(this.#view, Buffer.from(key, 'hex')) ? 'unspent' : 'unknown'
  }
}

export function describe(transaction: Transaction): LedgerPoolTransaction {
  const { id, address, bytes, nonce, kind } = transaction
  return {
    transaction,
    id: toHex(id),
    sender: toHex(address),
    bytes,
    size: bytes.byteLength + LENGTH_BYTES,
    lane: LANES[kind] ?? 'normal',
    ...keysOf(transaction),
    nonce,
  }
}

function keysOf({ kind, body, id }: Transaction): Pick<PoolTransaction, 'spends' | 'makes'> {
  if (kind === transfer.name) {
    const { inputs, outputs: made } = body as TransferBody
    return { spends: inputs.map(toHex), makes: made.map((_, index) => toHex(outputId(id, index))) }
  }
  if (kind !== meterReading.name) return { spends: [], makes: [] }
  const { meter, inputs, producedWh } = body as MeterReadingBody
  // One reading of a meter at a time: a later one applies before an earlier one, and not the other way round. Whether
  // there is change, only the state can say.
  return {
    spends: [`meter ${meter}`, ...inputs.map(toHex)],
    makes: producedWh > 0 ? [toHex(outputId(id, 0))] : [],
  }
}

function isReading(key: string): boolean {
  return key.startsWith('meter ')
}
