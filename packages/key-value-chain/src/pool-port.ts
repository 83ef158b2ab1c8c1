import type { Verify } from '@gridmesh/ledger'
import type { MainChain } from './main-chain.ts'
import { pooled, type PooledTransaction } from './pool-transaction.ts'
import { nonceIn, nonceKey, stateName } from './state.ts'
import { decodeTransaction, signatureOf } from './transaction.ts'
import type { Turns } from './turns.ts'

/** What the port works with. */
export interface PoolPortParts {
  chainId: Uint8Array
  main: MainChain
  turns: Turns
  verify: Verify
}

/** The chain, as a mempool meets it: it is a `MempoolChain` of `@gridmesh/mempool`. */
export class PoolPort {
  readonly #parts: PoolPortParts

  constructor(parts: PoolPortParts) {
    this.#parts = parts
  }

  /** Reads a transaction, in a memory of its own. @throws {MalformedError} */
  decode(bytes: Uint8Array): PooledTransaction {
    return pooled(decodeTransaction(bytes))
  }

  /** Says of each transaction, in order, whether its signature holds. */
  verify(transactions: readonly PooledTransaction[]): boolean[] {
    const { verify, chainId } = this.#parts
    return transactions.map(({ transaction }) => verify(signatureOf(transaction, chainId)))
  }

  /** Says of each candidate, in order, which nonce is the next one of its sender. It waits for a move under way. */
  async look(
    candidates: readonly { readonly transaction: PooledTransaction }[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ keys: []; nextNonce: number }[]> {
    const { turns, main } = this.#parts
    const keys = candidates.map(({ transaction }) => nonceKey(transaction.transaction.sender))
    const entries = await turns.run(async () => main.entries(keys), signal)
    return keys.map((key) => ({ keys: [], nextNonce: nonceIn(entries.get(stateName(key))) }))
  }
}
