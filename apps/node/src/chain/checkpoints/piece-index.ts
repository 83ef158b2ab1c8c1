import { BUCKETS, KeysByBucket } from '@gridmesh/ledger'

/** What an entry takes in a piece beside its key and value: their lengths. */
const ENTRY_BYTES = 4

/** Which keys are in which bucket, and how long a piece of some buckets is, so that this takes no reading. */
export class PieceIndex {
  readonly #keys = new KeysByBucket()
  readonly #bytes = new Float64Array(BUCKETS)

  add(key: Uint8Array, value: Uint8Array): void {
    const bucket = this.#keys.add(key)
    this.#bytes[bucket] = (this.#bytes[bucket] ?? 0) + key.byteLength + value.byteLength + ENTRY_BYTES
  }

  /** Bytes of all entries in `count` buckets from `first` on, in a piece. */
  bytes(first: number, count: number): number {
    return this.#bytes.subarray(first, first + count).reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Views, not to be changed. */
  keys(first: number, count: number): Uint8Array[] {
    return this.#keys.keys(first, count)
  }
}
