import { copyBytes } from '../buffers.ts'
import type { ListWriter } from './list-writer.ts'
import { ENTRY_BYTES } from './tree-hash.ts'

/** Lists are put into pieces of memory of so many bytes, and into one of their own where they are longer. */
const CHUNK_BYTES = 131_072
/** Before each list: its place and the room that it has. */
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
 * Entries by the place of their list, ascending, hash after hash. The lists are a log: one that needs another room is put
 * at its end, and what is still in use of its oldest chunk is put there again where too much of the log is out of use. So
 * a million entries are some hundred objects to the collector, and not one or more for each list.
 */
export class EntryLists {
  /** The oldest first, whose number is `#first`. */
  readonly #chunks: Chunk[] = []
  #first = 0
  /** Of a chunk that was given up, for the next one. */
  #spare: Buffer | undefined
  /** By place: the number of the chunk, and where in it the entries begin. */
  #chunkOf: Uint32Array<ArrayBuffer>
  #offsets: Uint32Array<ArrayBuffer>
  #lengths: Uint32Array<ArrayBuffer>
  /** Bytes of all lists with their rooms, and of those in use. */
  #usedBytes = 0
  #liveBytes = 0
  #size = 0

  /** Places from 0 on, each with no entries. */
  constructor(places: number) {
    this.#chunkOf = new Uint32Array(places)
    this.#offsets = new Uint32Array(places)
    this.#lengths = new Uint32Array(places)
  }

  /** Entries in all lists. */
  get size(): number {
    return this.#size
  }

  /** Makes room for so many places. */
  grow(places: number): void {
    this.#chunkOf = grown(this.#chunkOf, places)
    this.#offsets = grown(this.#offsets, places)
    this.#lengths = grown(this.#lengths, places)
  }

  byteLength(place: number): number {
    return this.#lengths[place] ?? 0
  }

  /** Puts the entries at `place` at the end of the list that is written. */
  appendTo(writer: ListWriter, place: number): void {
    const start = this.#offsets[place] ?? 0
    const bytes = this.#bytesOf(place)
    if (bytes !== undefined) writer.append(bytes, start, start + this.byteLength(place))
  }

  /** Takes the bytes of `source` from `start` to `end` as the entries at `place`. */
  set(place: number, source: Buffer, start: number, end: number): void {
    const [before, length] = [this.byteLength(place), end - start]
    const needed = roomFor(length)
    const room = before === 0 ? 0 : this.#roomOf(place)
    this.#size += (length - before) / ENTRY_BYTES
    this.#lengths[place] = length
    if (length > 0 && needed <= room && room <= needed + SPARE_BYTES) {
      const bytes = this.#bytesOf(place)
      if (bytes !== undefined) copyBytes(source, start, end, bytes, this.#offsets[place] ?? 0)
      return
    }
    if (before > 0) this.#liveBytes -= HEAD_BYTES + room
    if (length > 0) this.#append(place, source, start, end)
    while (this.#usedBytes > MOST_PER_LIVE * this.#liveBytes + CHUNK_BYTES) this.#giveUpOldest()
  }

  #bytesOf(place: number): Buffer | undefined {
    return this.#chunks[(this.#chunkOf[place] ?? 0) - this.#first]?.bytes
  }

  /** Of one that has entries. */
  #roomOf(place: number): number {
    return this.#bytesOf(place)?.readUInt32LE((this.#offsets[place] ?? 0) - 4) ?? 0
  }

  #append(place: number, source: Buffer, start: number, end: number): void {
    const room = roomFor(end - start)
    const chunk = this.#chunkFor(HEAD_BYTES + room)
    const { bytes, used } = chunk
    const offset = bytes.writeUInt32LE(room, bytes.writeUInt32LE(place, used))
    copyBytes(source, start, end, bytes, offset)
    chunk.used += HEAD_BYTES + room
    this.#usedBytes += HEAD_BYTES + room
    this.#liveBytes += HEAD_BYTES + room
    this.#chunkOf[place] = this.#first + this.#chunks.length - 1
    this.#offsets[place] = offset
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
      const place = bytes.readUInt32LE(at)
      const room = bytes.readUInt32LE(at + 4)
      const start = at + HEAD_BYTES
      const length = this.byteLength(place)
      if (length > 0 && this.#chunkOf[place] === this.#first && this.#offsets[place] === start) {
        this.#liveBytes -= HEAD_BYTES + room
        this.#append(place, bytes, start, start + length)
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

/** The same numbers, and zeros behind them. */
export function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length)
  larger.set(numbers)
  return larger
}
