import { copyBytes } from '../bytes.ts'
import { BUCKETS, ENTRY_BYTES } from './tree-hash.ts'

/** Lists are put into pieces of memory of so many bytes, and into one of their own where they are longer. */
const CHUNK_BYTES = 131_072
/** Before each list: its bucket and the room that it has. */
const HEAD_BYTES = 8
/** Room is taken for as many entries at a time, so that a list seldom moves. */
const STEP_BYTES = 4 * ENTRY_BYTES
/** Room that a list keeps though it does not need it: what comes and goes would move it each time. */
const SPARE_BYTES = 2 * STEP_BYTES
/** Bytes that are taken for each of a list in use, beside a chunk or two. */
const MOST_PER_LIVE = 1.5

/** A piece of memory with lists one behind the other. */
interface Chunk {
  readonly bytes: Buffer
  used: number
}

/**
 * The entries of each bucket, ascending, hash after hash. The lists are a log: one that needs another room is put at its
 * end, and what is still in use of its oldest chunk is put there again where too much of the log is out of use. So a
 * million entries are some hundred objects to the collector, and not one or more for each bucket.
 */
export class Buckets {
  /** The oldest first, whose number is `#first`. */
  readonly #chunks: Chunk[] = []
  #first = 0
  /** Of a chunk that was given up, for the next one. */
  #spare: Buffer | undefined
  /** By bucket: the number of its chunk, and where in it its entries begin. */
  readonly #chunkOf = new Uint32Array(BUCKETS)
  readonly #offsets = new Uint32Array(BUCKETS)
  readonly #lengths = new Uint32Array(BUCKETS)
  /** Bytes of all lists with their rooms, and of those in use. */
  #usedBytes = 0
  #liveBytes = 0
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
    const start = this.#offsets[bucket] ?? 0
    const bytes = this.#bytesOf(bucket)
    if (bytes !== undefined) copyBytes(bytes, start, start + this.byteLength(bucket), target, offset)
  }

  /** Takes the bytes of `source` from `start` to `end` as the entries of `bucket`. */
  set(bucket: number, source: Buffer, start: number, end: number): void {
    const [before, length] = [this.byteLength(bucket), end - start]
    const needed = roomFor(length)
    const room = before === 0 ? 0 : this.#roomOf(bucket)
    this.#size += (length - before) / ENTRY_BYTES
    this.#lengths[bucket] = length
    if (length > 0 && needed <= room && room <= needed + SPARE_BYTES) {
      const bytes = this.#bytesOf(bucket)
      if (bytes !== undefined) copyBytes(source, start, end, bytes, this.#offsets[bucket] ?? 0)
      return
    }
    if (before > 0) this.#liveBytes -= HEAD_BYTES + room
    if (length > 0) this.#append(bucket, source, start, end)
    while (this.#usedBytes > MOST_PER_LIVE * this.#liveBytes + CHUNK_BYTES) this.#giveUpOldest()
  }

  #bytesOf(bucket: number): Buffer | undefined {
    return this.#chunks[(this.#chunkOf[bucket] ?? 0) - this.#first]?.bytes
  }

  /** Of a bucket that has entries. */
  #roomOf(bucket: number): number {
    return this.#bytesOf(bucket)?.readUInt32LE((this.#offsets[bucket] ?? 0) - 4) ?? 0
  }

  #append(bucket: number, source: Buffer, start: number, end: number): void {
    const room = roomFor(end - start)
    const chunk = this.#chunkFor(HEAD_BYTES + room)
    const { bytes, used } = chunk
    const offset = bytes.writeUInt32LE(room, bytes.writeUInt32LE(bucket, used))
    copyBytes(source, start, end, bytes, offset)
    chunk.used += HEAD_BYTES + room
    this.#usedBytes += HEAD_BYTES + room
    this.#liveBytes += HEAD_BYTES + room
    this.#chunkOf[bucket] = this.#first + this.#chunks.length - 1
    this.#offsets[bucket] = offset
  }

  #chunkFor(length: number): Chunk {
    const newest = this.#chunks.at(-1)
    if (newest !== undefined && newest.used + length <= newest.bytes.byteLength) return newest
    const chunk = { bytes: this.#memory(length), used: 0 }
    this.#chunks.push(chunk)
    return chunk
  }

  /** Of its own: a part of Node's shared pool would keep the whole page that it is cut from. */
  #memory(length: number): Buffer {
    if (length > CHUNK_BYTES) return Buffer.allocUnsafeSlow(length)
    const bytes = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#spare = undefined
    return bytes
  }

  /** Puts what is in use of the oldest chunk at the end, and forgets the chunk. */
  #giveUpOldest(): void {
    const [oldest] = this.#chunks
    if (oldest === undefined) return
    const { bytes, used } = oldest
    for (let at = 0; at < used;) {
      const bucket = bytes.readUInt32LE(at)
      const room = bytes.readUInt32LE(at + 4)
      const start = at + HEAD_BYTES
      const length = this.byteLength(bucket)
      if (length > 0 && this.#chunkOf[bucket] === this.#first && this.#offsets[bucket] === start) {
        this.#liveBytes -= HEAD_BYTES + room
        this.#append(bucket, bytes, start, start + length)
      }
      at = start + room
    }
    this.#chunks.shift()
    this.#first++
    this.#usedBytes -= used
    if (bytes.byteLength === CHUNK_BYTES) this.#spare = bytes
  }
}

function roomFor(length: number): number {
  return Math.ceil(length / STEP_BYTES) * STEP_BYTES
}
