import { setImmediate } from 'node:timers/promises'
import {
  type BlockContext,
  checkTransaction,
  type Claims,
  claimsOf,
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
import { type LedgerPoolTransaction, outputOf, poolTransaction, readingKey } from './pool-transaction.ts'
import type { Verifier } from './verifier.ts'
import { decidedBy, WaitingDecisions } from './waiting-decisions.ts'

/** Rows that are looked at before others have a turn of the event loop: some 10 ms. */
const TURN_KEYS = 2_048

/** What the mempool meets the chain by. */
export interface MempoolChainParts {
  main: MainChain
  gate: Gate
  registry: Registry
  verifier: Verifier
  chainId: Uint8Array
  /** The authorities after the head. */
  authorities: () => readonly string[]
  /** What the mempool has. */
  pooled: () => Iterable<LedgerPoolTransaction>
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
      const facts: StateFacts[] = []
      const decisions = this.#decisionsFor(candidates)
      for (const { part, keys } of inTurns(candidates, registry)) {
        if (facts.length > 0) await setImmediate()
        const view = await main.view(keys)
        for (const candidate of part) {
          facts.push(factsOf(candidate, view, decisions, block, registry))
          decisions.add(candidate.transaction)
        }
      }
      return facts
    })
  }

  /** Those that wait in the mempool; none where no candidate follows from any. */
  #decisionsFor(candidates: readonly Candidate<LedgerPoolTransaction>[]): WaitingDecisions {
    const isOfOne = candidates.some(({ transaction }) => decidedBy(transaction.transaction) !== undefined)
    return new WaitingDecisions(isOfOne ? this.#parts.pooled() : [])
  }
}

/** Cuts a batch where it names so many rows that others should have a turn of the event loop. */
function* inTurns(
  candidates: readonly Candidate<LedgerPoolTransaction>[],
  registry: Registry,
): Generator<{ part: Candidate<LedgerPoolTransaction>[]; keys: Uint8Array[] }, void> {
  let part: Candidate<LedgerPoolTransaction>[] = []
  let keys: Uint8Array[] = []
  for (const candidate of candidates) {
    part.push(candidate)
    for (const key of keysOf(candidate, registry)) keys.push(key)
    if (keys.length < TURN_KEYS) continue
    yield { part, keys }
    part = []
    keys = []
  }
  if (part.length > 0) yield { part, keys }
}

function keysOf(
  { transaction: { transaction, nonce }, parents }: Candidate<LedgerPoolTransaction>,
  registry: Registry,
): Uint8Array[] {
  return [
    // The number of whoever sends none is not asked for: it is in no cache where it is not there, so each look would go
    // to the disk.
    ...(nonce === undefined ? [] : [nonces.key(transaction.address)]),
    ...readsOf(transaction, registry),
    ...parents.flatMap((parent) => claimsOf(parent.transaction, registry).makes?.reads ?? []),
  ]
}

function factsOf(
  candidate: Candidate<LedgerPoolTransaction>,
  view: StateView,
  decisions: WaitingDecisions,
  block: BlockContext,
  registry: Registry,
): StateFacts {
  const { transaction, spends, reading } = candidate.transaction
  const { nonce, address } = transaction
  const state = new Overlay(view)
  putSpent(candidate, state, view, registry)
  const decided = decidedBy(transaction)
  if (decided !== undefined) decisions.apply(decided, state, block)
  // Numbers are the pool's to judge: those before may be in it.
  if (nonce !== undefined) nonces.put(state, address, nonce)
  return {
    keys: spends.map((key) => keyState(key, reading, view)),
    ...(nonce !== undefined && { nextNonce: nextNonce(view, address) }),
    refusal: checkTransaction(transaction, state, block, registry),
  }
}

/**
 * Adds what a candidate spends of what its parents make. Of those with 256 outputs it may have 256: to apply them all
 * would let a few bytes cost seconds. What else parents do bears on nothing that others read.
 */
function putSpent(
  { transaction: { spends }, parents }: Candidate<LedgerPoolTransaction>,
  state: Overlay,
  view: StateView,
  registry: Registry,
): void {
  if (parents.length === 0) return
  const madeBy = new Map(parents.map(({ id, transaction }) => [id, claimsOf(transaction, registry).makes]))
  for (const key of spends) {
    const { maker, index } = outputOf(key)
    const output = madeBy.get(maker)?.output(index, view)
    if (output !== undefined) outputs.create(state, Buffer.from(key, 'hex'), output)
  }
}

function keyState(key: string, reading: Claims['reading'], view: StateView): KeyState {
  if (reading !== undefined && key === readingKey(reading)) {
    return reading.sequence > (meters.get(view, reading.meter)?.sequence ?? 0) ? 'unspent' : 'spent'
  }
  return outputs.has(view, Buffer.from(key, 'hex')) ? 'unspent' : 'unknown'
}
