import { DuplicateChunkError, ForgedChunkError, InvalidManifestError, PayloadIncompleteError } from './errors.ts'
import { HASH_BYTES, leafHash, MerkleTree, pathLength, rootOfPath } from './merkle-tree.ts'
import {
  checkManifest,
  checkMaxTotalBytes,
  chunkCountOf,
  chunkLengthOf,
  type PayloadManifest,
} from './payload-shape.ts'
import { type PayloadChunk, SplitPayload } from './split-payload.ts'

/** Options of `PayloadAssembler`. */
export interface PayloadAssemblerInit {
  /** Largest payload, in bytes, up to 104_857_600; a larger one is refused before anything is allocated. @default 10_485_760 */
  maxTotalBytes?: number
}

/**
 * Puts a payload together from chunks in any order, from anyone. Each is checked alone against the root, so that a
 * forged one is known at once, with whoever sent it, and costs nothing but its hash.
 *
 * Holds what the manifest declares, from the first good chunk on, and 33 bytes for each chunk.
 */
export class PayloadAssembler {
  readonly manifest: PayloadManifest
  readonly chunkCount: number
  readonly #leaves: Uint8Array
  readonly #has: Uint8Array
  #payload: Uint8Array | undefined
  #receivedChunks = 0
  #receivedBytes = 0

  /**
   * Begins a payload. The manifest is taken for true: where it comes from a peer, its root must be what was asked for.
   *
   * @throws {RangeError} when an option makes no sense
   * @throws {InvalidManifestError} @throws {PayloadTooLargeError}
   */
  constructor(manifest: PayloadManifest, init: PayloadAssemblerInit = {}) {
    checkManifest(manifest, checkMaxTotalBytes(init.maxTotalBytes))
    const { root, totalBytes, chunkBytes } = manifest
    this.manifest = { root: root.slice(), totalBytes, chunkBytes }
    this.chunkCount = chunkCountOf(manifest)
    this.#leaves = new Uint8Array(this.chunkCount * HASH_BYTES)
    this.#has = new Uint8Array(this.chunkCount)
    // Without chunks nothing else would hold an empty payload to its root.
    if (this.chunkCount === 0 && !isSame(new MerkleTree(this.#leaves).root, root)) {
      throw new InvalidManifestError('root', hex(root), 'the hash of nothing for a payload of 0 bytes')
    }
  }

  get receivedChunks(): number {
    return this.#receivedChunks
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Share of the bytes that were received, 0 to 1. */
  get progress(): number {
    return this.isComplete ? 1 : this.#receivedBytes / this.manifest.totalBytes
  }

  get isComplete(): boolean {
    return this.#receivedChunks === this.chunkCount
  }

  /** Whether chunk `index` was received. */
  has(index: number): boolean {
    return this.#has[index] === 1
  }

  /** Indexes of the chunks that were not received, the lowest first. */
  *missing(): Generator<number, void, undefined> {
    for (let index = 0; index < this.chunkCount; index++) if (!this.has(index)) yield index
  }

  /**
   * Checks a chunk and copies it into its place. A chunk that throws has changed nothing.
   *
   * @throws {ForgedChunkError} when it is no chunk of this payload: whoever made it is to blame
   * @throws {DuplicateChunkError} when it was received before: nobody is to blame
   */
  add(chunk: PayloadChunk): void {
    const { index, bytes, proof } = chunk
    this.#checkShape(chunk)
    if (this.has(index)) throw new DuplicateChunkError(index)
    const leaf = leafHash(bytes)
    const { root, totalBytes, chunkBytes } = this.manifest
    if (!isSame(rootOfPath(leaf, index, this.chunkCount, proof), root)) {
      throw new ForgedChunkError('wrong-root', index, 'root', hex(root), 'another')
    }
    this.#payload ??= new Uint8Array(totalBytes)
    this.#payload.set(bytes, index * chunkBytes)
    this.#leaves.set(leaf, index * HASH_BYTES)
    this.#has[index] = 1
    this.#receivedChunks += 1
    this.#receivedBytes += bytes.byteLength
  }

  /**
   * The whole payload, ready to be served on: the hashes of its chunks are known already.
   *
   * @throws {PayloadIncompleteError} while chunks are missing
   */
  finish(): SplitPayload {
    if (!this.isComplete) throw new PayloadIncompleteError(this.#receivedChunks, this.chunkCount)
    this.#payload ??= new Uint8Array(0)
    return new SplitPayload(this.#payload, this.manifest.chunkBytes, this.#leaves)
  }

  /** What can be told without hashing. */
  #checkShape({ index, bytes, proof }: PayloadChunk): void {
    if (!(Number.isInteger(index) && index >= 0 && index < this.chunkCount)) {
      throw new ForgedChunkError('wrong-index', index, 'chunkCount', this.chunkCount, index)
    }
    const length = chunkLengthOf(this.manifest, index)
    if (bytes.byteLength !== length) {
      throw new ForgedChunkError('wrong-length', index, 'length of the chunk', length, bytes.byteLength)
    }
    const proofBytes = pathLength(index, this.chunkCount) * HASH_BYTES
    if (proof.byteLength !== proofBytes) {
      throw new ForgedChunkError('wrong-proof-length', index, 'length of the proof', proofBytes, proof.byteLength)
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
