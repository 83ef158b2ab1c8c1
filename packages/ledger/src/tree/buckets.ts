import { BUCKETS, ENTRY_BYTES } from './tree-hash.ts'

/** Room is taken for as many entries at a time, so that a bucket seldom moves. */
const STEP_BYTES = 4 * ENTRY_BYTES
const EMPTY = Buffer.alloc(0)

/** The entries of each bucket, ascending, hash after hash in one buffer a bucket. */
export class Buckets {
  readonly #buffers: Buffer[] = Array.from({ length: BUCKETS }, () => EMPTY)
  readonly #lengths = new Uint32Array(BUCKETS)
  #size = 0

  /** Entries in all buckets. */
  get size(): number {
    return this.#size
  }

  byteLength(bucket: number): number {
    return this.#lengths[bucket] ?? 0
  }

  /** Copies the entries of `bucket` into `target` at `offset`. */
  copyTo(target: Buffer, offset: number, bucket: number): void {
    this.#buffers[bucket]?.copy(target, offset, 0, this.byteLength(bucket))
  }

  set(bucket: number, entries: Uint8Array): void {
    const had = this.byteLength(bucket)
    const room = Math.ceil(entries.byteLength / STEP_BYTES) * STEP_BYTES
    // Buffers of their own: one of Node's shared pool would keep the whole page that it is cut from.
    if (this.#buffers[bucket]?.byteLength !== room) this.#buffers[bucket] = Buffer.allocUnsafeSlow(room)
    this.#buffers[bucket]?.set(entries)
    this.#lengths[bucket] = entries.byteLength
    this.#size += (entries.byteLength - had) / ENTRY_BYTES
  }
}
