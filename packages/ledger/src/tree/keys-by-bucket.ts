import { sha256Into } from '../crypto/sha256.ts'
import { BUCKETS, HASH_BYTES } from '../constants.ts'

const CHUNK_BYTES = 1_048_576
const LENGTH_BYTES = 4
const FIRST_ROOM = 1_024

/**
 * Keys of a state, found by their bucket: so that a piece costs its own entries, and not all of them. A store has them in
 * the order of the keys, which says nothing of buckets. Each key takes its bytes and about 14 more.
 */
export class KeysByBucket {
  /** Keys, each behind its length, in the order in which they came. */
  readonly #chunks: Buffer[] = []
  #used = CHUNK_BYTES
  /** By number of the key: its bucket, and its place as chunk and offset. */
  #buckets = new Uint16Array(FIRST_ROOM)
  #chunkOf = new Uint32Array(FIRST_ROOM)
  #offsets = new Uint32Array(FIRST_ROOM)
  #size = 0
  /** Numbers by ascending bucket, and where each bucket begins among them; made when somebody asks. */
  #sorted: { order: Uint32Array; starts: Uint32Array } | undefined
  readonly #hash = Buffer.alloc(HASH_BYTES)

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Takes a copy of a key. Gives its bucket. */
  add(key: Uint8Array): number {
    const length = LENGTH_BYTES + key.byteLength
    if (this.#used + length > (this.#chunks.at(-1)?.byteLength ?? 0)) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length)))
      this.#used = 0
    }
    if (this.#size === this.#buckets.length) this.#grow()
    const chunk = this.#chunks.at(-1)
    chunk?.set(key, chunk.writeUInt32BE(key.byteLength, this.#used))
    sha256Into(this.#hash, 0, key)
    const bucket = this.#hash.readUInt16BE()
    this.#buckets[this.#size] = bucket
    this.#chunkOf[this.#size] = this.#chunks.length - 1
    this.#offsets[this.#size] = this.#used
    this.#used += length
    this.#size++
    this.#sorted = undefined
    return bucket
  }

  /** The keys in `count` buckets from `first` on; views, not to be changed. */
  keys(first: number, count: number): Uint8Array[] {
    const { order, starts } = (this.#sorted ??= this.#sort())
    const numbers = order.subarray(starts[first], starts[Math.min(first + count, BUCKETS)])
    return Array.from(numbers, (number) => this.#key(number))
  }

  #key(number: number): Uint8Array {
    const chunk = this.#chunks[this.#chunkOf[number] ?? 0] ?? Buffer.alloc(0)
    const offset = this.#offsets[number] ?? 0
    const start = offset + LENGTH_BYTES
    return chunk.subarray(start, start + chunk.readUInt32BE(offset))
  }

  #grow(): void {
    const room = 2 * this.#buckets.length
    this.#buckets = grown(this.#buckets, new Uint16Array(room))
    this.#chunkOf = grown(this.#chunkOf, new Uint32Array(room))
    this.#offsets = grown(this.#offsets, new Uint32Array(room))
  }

  /** By counting, since there are as many as there are. */
  #sort(): { order: Uint32Array; starts: Uint32Array } {
    const buckets = this.#buckets.subarray(0, this.#size)
    const starts = new Uint32Array(BUCKETS + 1)
    for (const bucket of buckets) starts[bucket + 1] = (starts[bucket + 1] ?? 0) + 1
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      starts[bucket + 1] = (starts[bucket + 1] ?? 0) + (starts[bucket] ?? 0)
    const next = starts.slice()
    const order = new Uint32Array(this.#size)
    for (const [number, bucket] of buckets.entries()) {
      const place = next[bucket] ?? 0
      order[place] = number
      next[bucket] = place + 1
    }
    return { order, starts }
  }
}

function grown<T extends Uint16Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
