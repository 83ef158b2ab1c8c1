import {
  checkTransaction,
  type Claims,
  claimsOf,
  decodeTransaction,
  defaultRegistry,
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
  verifySignature,
} from '@gridmesh/ledger'
import type { Lane } from '@gridmesh/interfaces'
import type { Candidate, KeyState, MempoolChain, PoolTransaction, StateFacts } from '../src/index.ts'

export interface LedgerPoolTransaction extends PoolTransaction {
  readonly transaction: Transaction
  readonly reading: Claims['reading']
}

const LANES: Readonly<Record<string, Lane>> = { 'grid-state': 'critical', proposal: 'high', vote: 'high' }
/** What a block adds to each transaction. */
const LENGTH_BYTES = 2
/** Those of an id in hex, before the place of an output. */
const ID_DIGITS = 64

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

  #factsOf({ transaction: { transaction, spends, reading }, parents }: Candidate<LedgerPoolTransaction>): StateFacts {
    const block = { height: this.#height() + 1, timeMs: Date.now() }
    const state = new Overlay(this.#view)
    // What it spends of what its parents make, and not all that they make: that may be far more.
    const madeBy = new Map(parents.map((parent) => [parent.id, claimsOf(parent.transaction, defaultRegistry).makes]))
    for (const key of spends) {
      const output = madeBy.get(key.slice(0, ID_DIGITS))?.output(Number.parseInt(key.slice(ID_DIGITS), 16), this.#view)
      if (output !== undefined) outputs.create(state, Buffer.from(key, 'hex'), output)
    }
    const { nonce, address } = transaction
    // Numbers are the pool's to judge: those before may be in it.
    if (nonce !== undefined) nonces.put(state, address, nonce)
    const refusal = checkTransaction(transaction, state, block, defaultRegistry)
    return {
      keys: spends.map((key) => this.#stateOf(key, reading)),
      nextNonce: nextNonce(this.#view, address),
      refusal,
    }
  }

  #stateOf(key: string, reading: Claims['reading']): KeyState {
    if (reading !== undefined && key === readingKey(reading)) {
      return reading.sequence > (meters.get(this.#view, reading.meter)?.sequence ?? 0) ? 'unspent' : 'spent'
    }
    return outputs.has(this.#view, Buffer.from(key, 'hex')) ? 'unspent' : 'unknown'
  }
}

export function describe(transaction: Transaction): LedgerPoolTransaction {
  const { id, address, bytes, nonce, kind } = transaction
  const { spends, makes, reading } = claimsOf(transaction, defaultRegistry)
  const { sure = 0, most = sure } = makes ?? {}
  const outputKeys = Array.from({ length: most }, (_, index) => toHex(outputId(id, index)))
  return {
    transaction,
    reading,
    id: toHex(id),
    sender: toHex(address),
    bytes,
    size: bytes.byteLength + LENGTH_BYTES,
    lane: LANES[kind] ?? 'normal',
    spends: [...(reading === undefined ? [] : [readingKey(reading)]), ...spends.map(toHex)],
    makes: outputKeys.slice(0, sure),
    mayMake: outputKeys.slice(sure),
    nonce,
    // A later reading applies before an earlier one, and not the other way round.
    series: reading && { name: reading.meter, number: reading.sequence },
  }
}

/** Stands for one reading of a meter. */
function readingKey({ meter, sequence }: NonNullable<Claims['reading']>): string {
  return `${meter}/${sequence}`
}
