import {
  checkTransaction,
  type Claims,
  decodeTransaction,
  meters,
  nextNonce,
  nonces,
  outputs,
  Overlay,
  readsOf,
  type Registry,
  signatureOf,
  type StateView,
} from '@gridmesh/ledger'
import type { Candidate, KeyState, MempoolChain, Refusal, StateFacts } from '@gridmesh/mempool'
import type { Gate } from './gate.ts'
import type { MainChain } from './main-chain.ts'
import { type LedgerPoolTransaction, meterKey, poolTransaction } from './pool-transaction.ts'
import type { Verifier } from './verifier.ts'

/** What the mempool meets the chain by. */
export interface MempoolChainParts {
  main: MainChain
  gate: Gate
  registry: Registry
  verifier: Verifier
  chainId: Uint8Array
  /** The authorities after the head. */
  authorities: () => readonly string[]
  nowMs: () => number
}

/** The energy chain, as the mempool meets it. */
export class LedgerMempoolChain implements MempoolChain<LedgerPoolTransaction> {
  readonly #parts: MempoolChainParts

  constructor(parts: MempoolChainParts) {
    this.#parts = parts
  }

  decode(bytes: Uint8Array): LedgerPoolTransaction {
    const { registry } = this.#parts
    return poolTransaction(decodeTransaction(bytes, registry), registry)
  }

  /** What others send in the place of authorities costs no signature. */
  screen({ transaction: { kind }, sender }: LedgerPoolTransaction): Refusal | undefined {
    const { registry, authorities } = this.#parts
    if (registry.byName(kind)?.isForAuthorities !== true || authorities().includes(sender)) return undefined
    return { code: 'not-authority', message: `${sender} is no authority, and ${kind} is for authorities` }
  }

  async verify(transactions: readonly LedgerPoolTransaction[]): Promise<boolean[]> {
    const { verifier, chainId } = this.#parts
    return [...(await verifier.verify(transactions.map(({ transaction }) => signatureOf(transaction, chainId))))]
  }

  async look(candidates: readonly Candidate<LedgerPoolTransaction>[]): Promise<StateFacts[]> {
    const { gate, main, registry, nowMs } = this.#parts
    return gate.read(async () => {
      const block = { height: main.tip.facts.height + 1, timeMs: nowMs() }
      // The number of whoever sends none is not asked for: it is in no cache where it is not there, so each look would go
      // to the disk.
      const keys = candidates.flatMap(({ transaction, parents }) => [
        ...(transaction.nonce === undefined ? [] : [nonces.key(transaction.transaction.address)]),
        ...[transaction, ...parents].flatMap((each) => readsOf(each.transaction, registry)),
      ])
      const view = await main.view(keys)
      return candidates.map((candidate) => factsOf(candidate, view, block, registry))
    })
  }
}

function factsOf(
  { transaction: { transaction, spends, reading }, parents }: Candidate<LedgerPoolTransaction>,
  view: StateView,
  block: { height: number; timeMs: number },
  registry: Registry,
): StateFacts {
  const state = new Overlay(view)
  for (const { transaction: parent } of parents) registry.byName(parent.kind)?.apply(parent, state, block)
  const { nonce, address } = transaction
  // Numbers are the pool's to judge: those before may be in it.
  if (nonce !== undefined) nonces.put(state, address, nonce)
  return {
    keys: spends.map((key) => keyState(key, reading, view)),
    ...(nonce !== undefined && { nextNonce: nextNonce(view, address) }),
    refusal: checkTransaction(transaction, state, block, registry),
  }
}

function keyState(key: string, reading: Claims['reading'], view: StateView): KeyState {
  if (reading !== undefined && key === meterKey(reading)) {
    return reading.sequence > (meters.get(view, reading.meter)?.sequence ?? 0) ? 'unspent' : 'spent'
  }
  return outputs.has(view, Buffer.from(key, 'hex')) ? 'unspent' : 'unknown'
}
