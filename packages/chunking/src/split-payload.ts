import { setImmediate } from 'node:timers/promises'
import type { AbortOptions } from '@libp2p/interface'
import { SPLIT_TURN_BYTES } from './constants.ts'
import { HASH_BYTES, leafHash, MerkleTree } from './merkle-tree.ts'
import {
  checkChunkBytes,
  checkMaxTotalBytes,
  checkTotalBytes,
  chunkCountOf,
  chunkLengthOf,
  type PayloadManifest,
} from './payload-shape.ts'

/** Options of `splitPayload`. */
export interface SplitPayloadInit {
  /** Length of every chunk but the last, in bytes, 1_024 to 1_048_576. @default 65_536 */
  chunkBytes?: number
  /** Largest payload, in bytes, up to 104_857_600; a larger one is refused. @default 10_485_760 */
  maxTotalBytes?: number
}

/** A piece of a payload that can be checked alone. */
export interface PayloadChunk {
  readonly index: number
  /** The bytes; a view of the payload where we hold that. */
  readonly bytes: Uint8Array
  /** Audit path to the root: hashes of 32 bytes one after the other, the lowest first. */
  readonly proof: Uint8Array
}

/** A payload and the tree over its chunks. The payload is not copied: whoever changes it makes every proof wrong. */
export class SplitPayload implements PayloadManifest, Iterable<PayloadChunk> {
  readonly payload: Uint8Array
  readonly chunkBytes: number
  readonly chunkCount: number
  readonly #tree: MerkleTree

  /** Takes the leaf hashes of the chunks, one after the other: `splitPayload` computes them. */
  constructor(payload: Uint8Array, chunkBytes: number, leaves: Uint8Array) {
    this.payload = payload
    this.chunkBytes = chunkBytes
    this.#tree = new MerkleTree(leaves)
    this.chunkCount = this.#tree.size
  }

  get root(): Uint8Array {
    return this.#tree.root
  }

  get totalBytes(): number {
    return this.payload.byteLength
  }

  /** A view of chunk `index`, and its proof. @throws {RangeError} when there is no such chunk */
  chunk(index: number): PayloadChunk {
    const proof = this.#tree.path(index)
    const from = index * this.chunkBytes
    return { index, bytes: this.payload.subarray(from, from + chunkLengthOf(this, index)), proof }
  }

  *[Symbol.iterator](): Generator<PayloadChunk, void, undefined> {
    for (let index = 0; index < this.chunkCount; index++) yield this.chunk(index)
  }
}

/**
 * Splits a payload into chunks that can each be checked alone. Hashes all of it before it returns: megabytes are
 * better split by `splitPayloadInTurns`.
 *
 * @throws {RangeError} when an option makes no sense @throws {PayloadTooLargeError}
 */
export function splitPayload(payload: Uint8Array, options: SplitPayloadInit = {}): SplitPayload {
  const splitting = new Splitting(payload, options)
  splitting.hash(payload.byteLength)
  return splitting.finish()
}

/**
 * Does as `splitPayload`, a megabyte at a time, so that other work gets its turn in between. The payload must not
 * change meanwhile.
 *
 * @throws {RangeError} when an option makes no sense @throws {PayloadTooLargeError}
 */
export async function splitPayloadInTurns(
  payload: Uint8Array,
  options: SplitPayloadInit & AbortOptions = {},
): Promise<SplitPayload> {
  const splitting = new Splitting(payload, options)
  while (!splitting.hash(SPLIT_TURN_BYTES)) {
    await setImmediate()
    options.signal?.throwIfAborted()
  }
  return splitting.finish()
}

/** The hashing of a payload, as far as it has come. */
class Splitting {
  readonly #payload: Uint8Array
  readonly #chunkBytes: number
  readonly #leaves: Uint8Array
  #hashed = 0

  constructor(payload: Uint8Array, options: SplitPayloadInit) {
    checkTotalBytes(payload.byteLength, checkMaxTotalBytes(options.maxTotalBytes))
    this.#payload = payload
    this.#chunkBytes = checkChunkBytes(options.chunkBytes)
    const totalBytes = payload.byteLength
    this.#leaves = new Uint8Array(chunkCountOf({ totalBytes, chunkBytes: this.#chunkBytes }) * HASH_BYTES)
  }

  /** Hashes chunks of at least `bytes` more. Returns whether all are hashed. */
  hash(bytes: number): boolean {
    const until = this.#hashed + bytes
    while (this.#hashed < Math.min(until, this.#payload.byteLength)) {
      const chunk = this.#payload.subarray(this.#hashed, this.#hashed + this.#chunkBytes)
      this.#leaves.set(leafHash(chunk), (this.#hashed / this.#chunkBytes) * HASH_BYTES)
      this.#hashed += this.#chunkBytes
    }
    return this.#hashed >= this.#payload.byteLength
  }

  finish(): SplitPayload {
    return new SplitPayload(this.#payload, this.#chunkBytes, this.#leaves)
  }
}
