import type { BuildRequest, BuiltBlock } from '@gridmesh/consensus'
import {
  blockBytes,
  buildBlock,
  encodeBlock,
  type Family,
  gridStateUpdate,
  MAX_BLOCK_BYTES,
  readsOfBlock,
  type Registry,
  SIGNATURE_BYTES,
  signHeader,
  toHex,
  type Transaction,
} from '@gridmesh/ledger'
import type { Mempool } from '@gridmesh/mempool'
import { changesAuthorities, isChangePending } from './authorities.ts'
import { type ChainBlock, type ChainRules, factsOf, type Standing } from './chain-block.ts'
import { HeadMovedError } from './errors.ts'
import type { Gate } from './gate.ts'
import { isOf } from './is-of.ts'
import type { MainChain } from './main-chain.ts'
import { type LedgerPoolTransaction, outputOf } from './pool-transaction.ts'
import { decidedBy, WaitingDecisions } from './waiting-decisions.ts'
import { newestGridState } from './waiting-grid-states.ts'

/** Most transactions that are tried for one block: as many of the smallest as one can hold. */
const MAX_CANDIDATES = 10_000
/** Reasons that are of this block, and not of the transaction. */
const OF_THIS_BLOCK: ReadonlySet<string> = new Set(['block-full', 'wrong-family'])

type LeftOut = ReturnType<typeof buildBlock>['leftOut'][number]

/** What blocks are built of. */
export interface BuilderParts {
  main: MainChain
  gate: Gate
  pool: Mempool<LedgerPoolTransaction>
  rules: ChainRules
  registry: Registry
}

/**
 * Builds the block after the head of what the mempool has; what does not apply leaves the mempool. `undefined` where
 * there would be nothing in it.
 *
 * @throws {HeadMovedError} when `parent` is not the head
 */
export async function build(request: BuildRequest<Standing>, parts: BuilderParts): Promise<BuiltBlock | undefined> {
  const { parent, timeMs, allowEmpty, signer, signal } = request
  const { main, gate, pool, registry } = parts
  return gate.read(async () => {
    signal.throwIfAborted()
    const { tip } = main
    if (tip.facts.hash !== parent.header.hash) throw new HeadMovedError(parent.header.hash, tip.facts.hash)
    const candidates = choose(parts)
    if (candidates.length === 0 && !allowEmpty) return undefined
    const reads = readsOfBlock({ header: { proposer: signer.publicKey }, transactions: candidates }, registry)
    const view = await main.view(reads)
    // Nothing is signed before it is known that there is something to sign: a build may sign once.
    const blank = { publicKey: signer.publicKey, sign: () => new Uint8Array(SIGNATURE_BYTES) }
    const state = { view, tree: main.tree }
    const init = { registry, signer: blank, timeMs, verified: true } as const
    const { block, leftOut } = buildBlock(state, tip.header, candidates, init)
    rejectLeftOut(leftOut, pool)
    if (block.transactions.length === 0 && !allowEmpty) return undefined
    const header = signHeader(block.header, signer)
    return { header: factsOf(header), bytes: encodeBlock({ header, transactions: block.transactions }) }
  })
}

/** Takes what was left out of a block from the mempool, but for what a later block may have, and what builds on that. */
function rejectLeftOut(leftOut: readonly LeftOut[], pool: BuilderParts['pool']): void {
  const kept = { ids: new Set<string>(), senders: new Set<string>() }
  for (const { transaction, refusal } of leftOut) {
    const [id, sender] = [toHex(transaction.id), toHex(transaction.address)]
    const isAfterKept =
      (refusal.code === 'wrong-nonce' && kept.senders.has(sender)) ||
      pool.get(id)?.spends.some((key) => kept.ids.has(outputOf(key).maker)) === true
    if (isAfterKept || OF_THIS_BLOCK.has(refusal.code) || isEarly(transaction, refusal.code, pool)) {
      kept.ids.add(id)
      kept.senders.add(sender)
    } else {
      pool.reject(id, refusal)
    }
  }
}

/** Whether what a transaction follows from waits too, and comes after it: an earlier one of its sender may hold that back. */
function isEarly(transaction: Transaction, code: string, pool: BuilderParts['pool']): boolean {
  const ref = decidedBy(transaction)
  if (ref === undefined) return false
  if (code === 'unknown-proposal') return pool.has(toHex(ref.proposal))
  return code === 'not-passed' && new WaitingDecisions(pool.transactions()).hasVotes(ref)
}

/** The first of the mempool that go together in one block: all of one family, beside what authorities may always say. */
function choose({ main: { tip }, pool, rules, registry }: BuilderParts): LedgerPoolTransaction['transaction'][] {
  const newest = newestGridState(pool)
  const take = (first: Family | undefined): LedgerPoolTransaction[] => {
    let family = first
    let mayChange = !isChangePending(tip, rules)
    return pool.take(MAX_BLOCK_BYTES - blockBytes([]), MAX_CANDIDATES, {
      accepts({ transaction }) {
        // Those before it would be of no effect in the same block.
        if (isOf(transaction, gridStateUpdate) && transaction.body.sequence < newest) return false
        const own = registry.byName(transaction.kind)?.family
        if (own !== 'authority' && family !== undefined && own !== family) return false
        return mayChange || !changesAuthorities(transaction)
      },
      onTaken({ transaction }) {
        const own = registry.byName(transaction.kind)?.family
        if (own !== 'authority') family = own
        if (changesAuthorities(transaction)) mayChange = false
      },
    })
  }
  // Decisions are the more urgent lane: by turns, they cannot keep energy from coming into blocks, however many wait.
  const afterDecisions = tip.header.kind === 'governance' ? take('energy') : []
  const taken = afterDecisions.length > 0 ? afterDecisions : take(undefined)
  return taken.map(({ transaction }) => transaction)
}

/** The head, as the consensus builds on it. */
export function headOf({ facts, standing, authorities }: ChainBlock): BuildRequest<Standing>['parent'] {
  return { header: facts, standing, authorities }
}
