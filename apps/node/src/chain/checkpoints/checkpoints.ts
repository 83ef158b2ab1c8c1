import type { BlockStore } from '@gridmesh/block-store'
import type { CallOptions, GetStatePiece, StateReader } from '@gridmesh/block-sync'
import type { ChainTip } from '@gridmesh/interfaces'
import type { StateTree } from '@gridmesh/ledger'
import { isChangePending } from '../authorities.ts'
import type { ChainBlock, ChainRules } from '../chain-block.ts'
import { Checkpoint } from './checkpoint.ts'

/** What checkpoints are made of. */
export interface CheckpointsParts {
  store: Pick<BlockStore, 'snapshot'>
  rules: ChainRules
  /** Blocks from one to the next; 0 makes none. */
  every: number
}

/**
 * The states that are given to others: that after the newest final block whose height is a multiple of a number, and at
 * most one more, taken when its block was the tip and not final yet. Each costs a copy of the tree's nodes and a snapshot
 * of the store, whatever the size of the state. They are in memory: after a restart there is none before the next multiple.
 */
export class Checkpoints implements StateReader {
  readonly #parts: CheckpointsParts
  #held: Checkpoint | undefined
  /** The oldest that is not final: a newer one would take its place for ever where finality lags behind by more than `every`. */
  #next: Checkpoint | undefined
  /** Those that are let go of: what is read of them ends, and no block waits for it. Never rejects. */
  #closing: Promise<void> = Promise.resolve()

  constructor(parts: CheckpointsParts) {
    this.#parts = parts
  }

  /** The block whose state is given; `undefined` while there is none. */
  checkpoint(): ChainTip | undefined {
    return this.#held?.block
  }

  async piece({ block, piece, pieces }: GetStatePiece, { signal }: CallOptions): Promise<Uint8Array | undefined> {
    const held = this.#held
    if (held === undefined || held.block.hash !== block.hash || held.block.height !== block.height) return undefined
    return held.piece(piece, pieces, signal)
  }

  /**
   * A block became the tip, and the store and the tree are of its state. While a change of authorities is not final there
   * is no checkpoint: whoever began there would not know of it, and judge the next change otherwise than all others.
   */
  async onApplied(tip: ChainBlock, tree: StateTree): Promise<void> {
    const { store, rules, every } = this.#parts
    const { height, hash } = tip.facts
    if (every === 0 || height === 0 || height % every !== 0) return
    if (this.#next !== undefined || isChangePending(tip, rules)) return
    this.#next = new Checkpoint({ height, hash }, await store.snapshot(), tree.snapshot())
  }

  /** The block at a height was taken off. */
  onReverted(height: number): void {
    if (this.#next === undefined || this.#next.block.height < height) return
    this.#letGo(this.#next)
    this.#next = undefined
  }

  /** All blocks up to a height are final. */
  onFinal(height: number): void {
    if (this.#next === undefined || this.#next.block.height > height) return
    this.#letGo(this.#held)
    this.#held = this.#next
    this.#next = undefined
  }

  /** Lets go of all, before the store is closed, or the chain is another one: nothing is read any more when it resolves. */
  async clear(): Promise<void> {
    this.#letGo(this.#held)
    this.#letGo(this.#next)
    this.#held = undefined
    this.#next = undefined
    await this.#closing
  }

  #letGo(checkpoint: Checkpoint | undefined): void {
    if (checkpoint === undefined) return
    const before = this.#closing
    this.#closing = checkpoint.close().then(async () => before)
  }
}
