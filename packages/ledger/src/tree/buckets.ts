import { copyBytes } from '../bytes.ts'
import { BUCKETS, ENTRY_BYTES } from './tree-hash.ts'

/** Room is taken for as many entries at a time, so that a bucket seldom moves. */
const STEP_BYTES = 4 * ENTRY_BYTES
/** Room that a bucket keeps though it does not need it: what comes and goes would move it each time. */
const SPARE_BYTES = 2 * STEP_BYTES
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
    copyBytes(this.#buffers[bucket] ?? EMPTY, [0, this.byteLength(bucket)], target, offset)
  }

  /** Takes the bytes of `source` from `start` to `end` as the entries of `bucket`. */
  set(bucket: number, source: Buffer, start: number, end: number): void {
    const length = end - start
    const needed = Math.ceil(length / STEP_BYTES) * STEP_BYTES
    const room = this.#buffers[bucket]?.byteLength ?? 0
    // Buffers of their own: one of Node's shared pool would keep the whole page that it is cut from.
    if (room < needed || room > needed + SPARE_BYTES) this.#buffers[bucket] = Buffer.allocUnsafeSlow(needed)
    const buffer = this.#buffers[bucket]
    if (buffer !== undefined) copyBytes(source, [start, end], buffer, 0)
    this.#size += (length - this.byteLength(bucket)) / ENTRY_BYTES
    this.#lengths[bucket] = length
  }
}
