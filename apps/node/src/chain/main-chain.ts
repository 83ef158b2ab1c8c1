import type { BlockStore, StoredHeader } from '@gridmesh/block-store'
import type { ChainTip } from '@gridmesh/interfaces'
import {
  applyTransaction,
  authorityList,
  type Change,
  decodeBlock,
  decodeHeader,
  FetchedState,
  type Header,
  Overlay,
  readsOfBlock,
  type Registry,
  type StateStep,
  type StateTree,
  type StateView,
  toHex,
  undoBlock,
  validateBlock,
} from '@gridmesh/ledger'
import { AuthorityHistory, changeAfter } from './authorities.ts'
import { decodeRecord, headerIn } from './block-record.ts'
import { type BlockFault, type ChainBlock, type ChainRules, factsOf, type FullBlock } from './chain-block.ts'
import type { Checkpoints } from './checkpoints/checkpoints.ts'
import { StateMismatchError } from './errors.ts'
import { judgeHeader } from './judge-header.ts'
import { storedBlock } from './stored-block.ts'

/** What a main chain is made of. */
export interface MainChainParts {
  store: BlockStore
  /** Over the state in the store. */
  tree: StateTree
  rules: ChainRules
  registry: Registry
  /** What is given to others of the state. */
  checkpoints: Checkpoints
  history: AuthorityHistory
  tip: ChainBlock
  finalised: ChainTip
}

/** A block that is valid on the tip, and what it does to the state. */
export interface Executed extends Pick<ChainBlock, 'facts' | 'standing'> {
  readonly full: FullBlock
  readonly step: StateStep
}

/**
 * The one branch whose state there is, on disk and in the tree. Every call takes it from one block to the next or the
 * one before, by one batch of the store; when a call throws, memory and disk may differ.
 */
export class MainChain {
  readonly #parts: Omit<MainChainParts, 'tree' | 'history' | 'tip' | 'finalised'>
  #tree: StateTree
  #history: AuthorityHistory
  #tip: ChainBlock
  #finalised: ChainTip

  constructor(parts: MainChainParts) {
    this.#parts = parts
    this.#tree = parts.tree
    this.#history = parts.history
    this.#tip = parts.tip
    this.#finalised = parts.finalised
  }

  /** The block whose state this is. Within a switch of branches it is none that anybody else knows as the head. */
  get tip(): ChainBlock {
    return this.#tip
  }

  /** The newest block that can no longer be reverted. */
  get finalised(): ChainTip {
    return this.#finalised
  }

  get tree(): StateTree {
    return this.#tree
  }

  /** The rows under `keys`, as a view that gives nothing else. */
  async view(keys: readonly Uint8Array[]): Promise<StateView> {
    return FetchedState.of(keys, (wanted) => this.#parts.store.getMany(wanted))
  }

  /** Whether a block is on this branch, final or not. */
  async has(hash: string): Promise<boolean> {
    return (await this.#parts.store.heightOf(Buffer.from(hash, 'hex'))) !== undefined
  }

  /** A block of this branch; its authorities are right from the newest final one on. */
  async find(hash: string): Promise<ChainBlock | undefined> {
    if (hash === this.#tip.facts.hash) return this.#tip
    const stored = await this.#parts.store.header(Buffer.from(hash, 'hex'))
    return stored === undefined ? undefined : this.#place(stored)
  }

  async hashAt(height: number): Promise<string | undefined> {
    const stored = await this.#parts.store.header(height)
    return stored === undefined ? undefined : toHex(stored.hash)
  }

  /** A whole block of this branch; `undefined` where there is none, or it was pruned with what would revert it. */
  async blockAt(height: number): Promise<(ChainBlock & { full: FullBlock }) | undefined> {
    const stored = await this.#parts.store.header(height)
    if (stored === undefined) return undefined
    const body = await this.#parts.store.body(stored.hash)
    return body === undefined ? undefined : { ...this.#place(stored), full: this.#read(stored, body) }
  }

  /** Executes a block upon the tip, or says why it is not valid. Nothing is moved, and no signature is asked for. */
  async execute(full: FullBlock): Promise<Executed | BlockFault> {
    const { block } = full
    const { rules, registry } = this.#parts
    const parent = this.#tip
    // Once more for a block that was judged by authorities as its branch claimed them; no clock is asked.
    const judgement = judgeHeader(rules, parent, block)
    if (judgement.status === 'refused') return judgement
    const reads = readsOfBlock(block, registry)
    reads.push(authorityList.key())
    const view = await this.view(reads)
    const verdict = validateBlock({ view, tree: this.#tree }, parent.header, block, {
      registry,
      verified: true,
      verify: () => true,
    })
    return verdict.status === 'refused' ? verdict : { full, step: verdict, ...judgement }
  }

  /**
   * Puts a block upon the tip that was executed on it, and all signatures of which were checked. What it makes final is
   * stored with it, unless it may have to be taken off again with the branch that it is of; `finalise` tells of it.
   */
  async append({ full, step, facts, standing }: Executed, isForGood: boolean): Promise<void> {
    const { store, rules, checkpoints } = this.#parts
    const tree = this.#tree
    const parent = this.#tip
    const authorities = authoritiesIn(step.changes)
    const change = changeAfter(parent, { facts, standing, isChange: authorities !== undefined }, rules)
    const final = rules.finalHeight(standing)
    const finalise = isForGood && final > this.#finalised.height ? final : undefined
    const written = store.append(storedBlock(full, { standing, ...change }), step.changes, { finalise })
    // Meanwhile: the tree is read by nobody until both are done.
    step.update.commit()
    await written
    if (authorities !== undefined) this.#history.push(facts.height, authorities)
    const header = ownHeader(full.block.header)
    this.#tip = { header, facts, standing, ...change, authorities: authorities ?? parent.authorities }
    await checkpoints.onApplied(this.#tip, tree)
  }

  /** Executes a block and puts it upon the tip, to be taken off again perhaps, or says why it is not valid. */
  async apply(full: FullBlock): Promise<BlockFault | undefined> {
    const executed = await this.execute(full)
    if (!('step' in executed)) return executed
    await this.append(executed, false)
    return undefined
  }

  /**
   * Takes the tip off. The store undoes its own entries; what the tree has to undo is found by executing the block anew on
   * the state before it, so that nothing is kept for that, and a restart makes no difference.
   *
   * @throws {StateMismatchError} when that does not lead to the state before it
   */
  async revert(): Promise<void> {
    const { store, registry, checkpoints } = this.#parts
    const tree = this.#tree
    const { height } = this.#tip.header
    const stored = await store.revert()
    const { block } = this.#read(stored, stored.body)
    this.#history.revert(height)
    checkpoints.onReverted(height)
    const before = await store.header(height - 1)
    if (before === undefined) throw new StateMismatchError(height, toHex(stored.parent), 'none')
    const parent = this.#place(before)

    const state = new Overlay(await this.view(readsOfBlock(block, registry)))
    for (const transaction of block.transactions) applyTransaction(transaction, state, block.header, registry)
    const step = undoBlock(tree, state.changes())
    const [expected, received] = [toHex(parent.header.stateRoot), toHex(step.root)]
    if (expected !== received) throw new StateMismatchError(height - 1, expected, received)
    step.update.commit()
    this.#tip = parent
  }

  /** Makes final what the standing of the tip proves to be. Gives the newest final block where there is a newer one. */
  async finalise(): Promise<ChainTip | undefined> {
    const { store, rules, checkpoints } = this.#parts
    const height = rules.finalHeight(this.#tip.standing)
    if (height <= this.#finalised.height) return undefined
    const hash = await this.hashAt(height)
    if (hash === undefined) return undefined
    await store.finalise(height)
    this.#finalised = { height, hash }
    this.#history.forgetBelow(height)
    checkpoints.onFinal(height)
    return this.#finalised
  }

  /** Goes to the state after a block that is final and the only one that is stored: it is the tip by then. */
  async restart(tip: ChainBlock, tree: StateTree): Promise<void> {
    await this.#parts.checkpoints.clear()
    this.#tree = tree
    this.#history = new AuthorityHistory(tip.authorities)
    this.#tip = tip
    this.#finalised = { height: tip.facts.height, hash: tip.facts.hash }
  }

  #place(stored: StoredHeader): ChainBlock {
    const { header, standing, changedAt, former } = decodeRecord(stored.height, stored.header)
    const read = decodeHeader(header)
    const authorities = this.#history.after(stored.height)
    return { header: read, facts: factsOf(read), standing, changedAt, former, authorities }
  }

  #read(stored: StoredHeader, body: Uint8Array): FullBlock {
    const bytes = Buffer.concat([headerIn(stored.height, stored.header), body])
    return { bytes, block: decodeBlock(bytes, this.#parts.registry) }
  }
}

/** The authorities after changes that change them. */
function authoritiesIn(changes: readonly Change[]): readonly string[] | undefined {
  const key = Buffer.from(authorityList.key())
  const after = changes.find((change) => key.equals(change.key))?.after
  return after === undefined ? undefined : authorityList.parse(after).map(toHex)
}

/** A copy: as a view it would keep the whole block in memory. */
function ownHeader({ bytes }: Header): Header {
  return decodeHeader(Uint8Array.from(bytes))
}
