import type { StateSnapshot } from '@gridmesh/block-store'
import type { ChainTip } from '@gridmesh/interfaces'
import { BUCKETS, encodePiece, type Entry, KeysByBucket, type TreeSnapshot } from '@gridmesh/ledger'
import { StateMismatchError } from '../errors.ts'

/**
 * The state after one block, readable in pieces while the chain goes on. The store's snapshot has the entries and the
 * tree's the proofs; which keys are in which bucket is found by one walk over all of them, when the first piece is asked
 * for, so that each piece costs no more than its own entries.
 */
export class Checkpoint {
  readonly block: ChainTip
  readonly #snapshot: StateSnapshot
  readonly #tree: TreeSnapshot
  readonly #closing = new AbortController()
  #index: Promise<KeysByBucket> | undefined

  constructor(block: ChainTip, snapshot: StateSnapshot, tree: TreeSnapshot) {
    this.block = block
    this.#snapshot = snapshot
    this.#tree = tree
  }

  /** One of `pieces` equal parts, encoded; `undefined` for parts that there are not, and once it is closed. */
  async piece(piece: number, pieces: number): Promise<Uint8Array | undefined> {
    const { signal } = this.#closing
    if (BUCKETS % pieces !== 0 || !(piece >= 0 && piece < pieces) || signal.aborted) return undefined
    const count = BUCKETS / pieces
    const first = piece * count
    try {
      this.#index ??= this.#walk()
      const keys = (await this.#index).keys(first, count)
      const values = await this.#snapshot.getMany(keys)
      const entries = keys.map((key, i): Entry => [key, values[i] ?? this.#missing()])
      return encodePiece(this.#tree.piece(first, count, () => entries))
    } catch (err) {
      // Closed under way: that state is not held any more.
      if (signal.aborted) return undefined
      throw err
    }
  }

  /** Lets go of the state. Never rejects; again is nothing. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#index?.catch(() => undefined)
    this.#index = undefined
    // The store may be closed already, which has closed this as well.
    await this.#snapshot.close().catch(() => undefined)
  }

  async #walk(): Promise<KeysByBucket> {
    const index = new KeysByBucket()
    for await (const some of this.#snapshot.entries(this.#closing)) for (const [key] of some) index.add(key)
    return index
  }

  #missing(): never {
    throw new StateMismatchError(this.block.height, 'an entry under each key', 'a key without one')
  }
}
