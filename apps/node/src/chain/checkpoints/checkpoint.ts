import { setImmediate } from 'node:timers/promises'
import type { StateSnapshot } from '@gridmesh/block-store'
import type { ChainTip } from '@gridmesh/interfaces'
import { BUCKETS, encodePiece, type Entry, type TreeSnapshot } from '@gridmesh/ledger'
import { StateMismatchError } from '../errors.ts'
import { PieceIndex } from './piece-index.ts'

/** Where the entries of a state are read. */
export type Entries = Pick<StateSnapshot, 'entries' | 'getMany' | 'close'>

/** Longest piece that is made: nobody takes a longer one. */
const MAX_PIECE_BYTES = 16_777_216
/** Pieces that are longer are made one after the other: small as they are to ask for, each takes ten times its bytes. */
const MAX_BESIDE_BYTES = 1_048_576
/** Entries read before others have their turn. */
const READ_AT_ONCE = 1_024

/**
 * The state after one block, readable in pieces while the chain goes on. The store's snapshot has the entries and the
 * tree's the proofs; which keys are in which bucket is found by one walk over all of them, when the first piece is asked
 * for, so that each piece costs no more than its own entries, and one that is too long nothing.
 */
export class Checkpoint {
  readonly block: ChainTip
  readonly #snapshot: Entries
  readonly #tree: TreeSnapshot
  readonly #closing = new AbortController()
  #index: Promise<PieceIndex> | undefined
  /** The long piece that is made last; never rejects. */
  #long: Promise<unknown> = Promise.resolve()

  constructor(block: ChainTip, snapshot: Entries, tree: TreeSnapshot) {
    this.block = block
    this.#snapshot = snapshot
    this.#tree = tree
  }

  /**
   * One of `pieces` equal parts, encoded; `undefined` for parts that there are not, for one of more than 16 MiB, and once
   * it is closed. @throws what the signal aborts with
   */
  async piece(piece: number, pieces: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#closing.signal.aborted || BUCKETS % pieces !== 0 || !(piece >= 0 && piece < pieces)) return undefined
    const count = BUCKETS / pieces
    const first = piece * count
    try {
      this.#index ??= this.#walk()
      const index = await this.#index
      const bytes = index.bytes(first, count)
      if (bytes > MAX_PIECE_BYTES) return undefined
      const make = async (): Promise<Uint8Array> => this.#make(index, first, count, signal)
      if (bytes <= MAX_BESIDE_BYTES) return await make()
      const making = this.#long.then(make)
      this.#long = making.catch(() => undefined)
      return await making
    } catch (err) {
      // Closed under way: that state is not held any more.
      if (this.#closing.signal.aborted) return undefined
      throw err
    }
  }

  /** Lets go of the state, and ends what is read of it. Never rejects; again is nothing. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#index?.catch(() => undefined)
    this.#index = undefined
    // The store may be closed already, which has closed this as well.
    await this.#snapshot.close().catch(() => undefined)
  }

  async #make(index: PieceIndex, first: number, count: number, signal: AbortSignal): Promise<Uint8Array> {
    const keys = index.keys(first, count)
    const entries: Entry[] = []
    while (entries.length < keys.length) {
      this.#closing.signal.throwIfAborted()
      signal.throwIfAborted()
      const some = keys.slice(entries.length, entries.length + READ_AT_ONCE)
      const values = await this.#snapshot.getMany(some)
      entries.push(...some.map((key, i): Entry => [key, values[i] ?? this.#missing()]))
      await setImmediate()
    }
    signal.throwIfAborted()
    return encodePiece(this.#tree.piece(first, count, () => entries))
  }

  async #walk(): Promise<PieceIndex> {
    const index = new PieceIndex()
    for await (const some of this.#snapshot.entries(this.#closing)) for (const entry of some) index.add(...entry)
    return index
  }

  #missing(): never {
    throw new StateMismatchError(this.block.height, 'an entry under each key', 'a key without one')
  }
}
