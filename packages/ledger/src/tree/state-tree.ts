import { copyBytes } from '../buffers.ts'
import { BUCKETS, HASH_BYTES } from '../constants.ts'
import { sha256 } from '../crypto/sha256.ts'
import { StateTreeError } from '../errors.ts'
import type { Change } from '../state/state-view.ts'
import { editBuckets } from './edit-buckets.ts'
import { Buckets } from './buckets.ts'
import type { BucketEdits } from './bucket-edits.ts'
import { makePiece } from './make-piece.ts'
import type { EntryReader, Piece, PieceFault } from './piece.ts'
import { readPiece } from './read-piece.ts'
import { type DirtyHashes, dirtyAbove, FAN_OUT, LEAF, levelAbove, LEVELS } from './tree-hash.ts'

/** Changes fed at once to a tree that is built from entries. */
const BATCH = 65_536

/** A tree as it was, whatever became of it since: 2.2 MB. */
export interface TreeSnapshot {
  readonly root: Uint8Array
  /** As that of the tree. */
  piece(first: number, count: number, read: EntryReader): Piece
}

/** What a tree would become by some changes. Until it is committed, the tree is as before. */
export interface TreeUpdate {
  /** The root after it. */
  readonly root: Uint8Array
  /** Takes the changes over. @throws {StateTreeError} with `stale-update`, where the tree has moved on since */
  commit(): void
}

/**
 * A hash over the whole state, kept up at the cost of its changes: entries in buckets, and a Merkle tree above them.
 * The root says nothing of the order in which entries came.
 */
export class StateTree {
  readonly #buckets = new Buckets()
  /** The hashes of the buckets, then each level above. */
  readonly #levels: Buffer[]
  #version = 0

  constructor() {
    let hash = sha256(Uint8Array.of(LEAF))
    this.#levels = Array.from({ length: LEVELS + 1 }, (_, i) => {
      // While there are no entries, all nodes of a level are the same.
      if (i > 0) hash = levelAbove(Buffer.alloc(FAN_OUT * HASH_BYTES, hash))
      return Buffer.alloc((BUCKETS / FAN_OUT ** i) * HASH_BYTES, hash)
    })
  }

  /** Builds the tree of a state. @throws {StateTreeError} where a key is there twice */
  static from(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): StateTree {
    const tree = new StateTree()
    let batch: Change[] = []
    for (const [key, after] of entries) {
      batch.push({ key, before: undefined, after })
      if (batch.length < BATCH) continue
      tree.apply(batch)
      batch = []
    }
    tree.apply(batch)
    return tree
  }

  /** Entries of the state. */
  get size(): number {
    return this.#buckets.size
  }

  get root(): Uint8Array {
    return Buffer.from(this.#levels[LEVELS] ?? [])
  }

  /**
   * Works out what the tree would become, each key being changed at most once.
   *
   * @throws {StateTreeError}
   * @throws {RangeError} for more than 2^21 changes
   */
  prepare(changes: readonly Change[]): TreeUpdate {
    return this.#updateBy(editBuckets(this.#buckets, changes))
  }

  /**
   * Puts what a piece of the state under `root` has in the place of what is in its buckets, or says what is wrong with it.
   * Once all pieces are in it, the tree is that of the state, without anything being hashed again.
   */
  putPiece(root: Uint8Array, piece: Piece): PieceFault | undefined {
    const edits = readPiece(root, piece)
    if (typeof edits === 'string') return edits
    this.#updateBy(edits).commit()
    return undefined
  }

  /** Takes changes over at once. @throws {StateTreeError} and is as before */
  apply(changes: readonly Change[]): void {
    this.prepare(changes).commit()
  }

  /**
   * All entries of `count` buckets from `first` on, with the proof that there are no others, for `verifyPiece`.
   *
   * @throws {RangeError} for buckets that there are not
   * @throws {StateTreeError} with `wrong-reader`, where `read` does not give what this tree is over
   */
  piece(first: number, count: number, read: EntryReader): Piece {
    return makePiece(this.#levels, first, count, read)
  }

  /** What pieces of the state as it is now are cut out of, as long as it is kept. */
  snapshot(): TreeSnapshot {
    const levels = this.#levels.map((level) => Buffer.from(level))
    return { root: this.root, piece: (first, count, read) => makePiece(levels, first, count, read) }
  }

  #updateBy(edits: BucketEdits): TreeUpdate {
    const version = this.#version
    let above = edits.dirty
    const dirty = [above]
    for (const level of this.#levels.slice(0, LEVELS)) {
      above = dirtyAbove(level, above)
      dirty.push(above)
    }
    const top = above.hashes
    return {
      root: top.byteLength === 0 ? this.root : Buffer.from(top),
      commit: () => this.#commit(version, edits, dirty),
    }
  }

  #commit(version: number, edits: BucketEdits, dirty: readonly DirtyHashes[]): void {
    if (version !== this.#version) throw new StateTreeError('stale-update', 'the tree has moved on since')
    this.#version++
    edits.commit(this.#buckets)
    for (const [i, level] of this.#levels.entries()) {
      const changed = dirty[i]
      if (changed !== undefined) putHashes(level, changed)
    }
  }
}

function putHashes(level: Buffer, { places, hashes }: DirtyHashes): void {
  for (let i = 0; i < places.length; i++) {
    copyBytes(hashes, i * HASH_BYTES, (i + 1) * HASH_BYTES, level, (places[i] ?? 0) * HASH_BYTES)
  }
}
