import { copyBytes } from '../buffers.ts'
import { HASH_BYTES } from '../constants.ts'
import { ENTRY_BYTES, LEAF } from './tree-hash.ts'

/** Lists that are edited, one behind the other in one buffer, each behind the byte of a leaf. */
export class ListWriter {
  readonly #entries: Buffer
  #bytes: Buffer
  /** Of the list that is edited. */
  #start = 0
  #end = 0
  /** Where the entry that was looked for is, or would have to be; and where it is in `entries`. */
  #place = 0
  #source = 0

  /** Takes from `entries` what is put into lists. More than `room` bytes of them cost a copy. */
  constructor(entries: Buffer, room: number) {
    this.#entries = entries
    this.#bytes = Buffer.allocUnsafeSlow(room)
  }

  /** All lists. Another one once there is too little room. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where the newest list ends, and the next one begins. */
  get end(): number {
    return this.#end
  }

  /** Begins the next list, and says where: at the byte of a leaf. */
  begin(): number {
    this.#reserve(1)
    this.#bytes[this.#end++] = LEAF
    this.#start = this.#end
    return this.#start - 1
  }

  /** Puts the entries from `start` to `end` of `source` at the end of the list. */
  append(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    copyBytes(source, start, end, this.#bytes, this.#end)
    this.#end += end - start
  }

  /** Looks for the key of the entry at `source`, for what is done next. Says whether it is there. */
  find(source: number): boolean {
    let low = 0
    let high = (this.#end - this.#start) / ENTRY_BYTES
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#compare(this.#start + middle * ENTRY_BYTES, source)
      if (order < 0) low = middle + 1
      else high = middle
    }
    this.#source = source
    this.#place = this.#start + low * ENTRY_BYTES
    return this.#place < this.#end && this.#compare(this.#place, source) === 0
  }

  /** Puts in the entry that was looked for, in the place of the one that is there or beside it. */
  put(isHeld: boolean): void {
    if (!isHeld) {
      this.#reserve(ENTRY_BYTES)
      this.#move(this.#place, this.#place + ENTRY_BYTES)
    }
    copyBytes(this.#entries, this.#source, this.#source + ENTRY_BYTES, this.#bytes, this.#place)
  }

  /** Takes out the entry that was found. */
  remove(): void {
    this.#move(this.#place + ENTRY_BYTES, this.#place)
  }

  #move(from: number, to: number): void {
    if (from < this.#end) this.#bytes.copyWithin(to, from, this.#end)
    this.#end += to - from
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#bytes.byteLength) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + length))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }

  /** The key at `place` against that at `source`. They seldom agree for long, so a call of the library would cost more. */
  #compare(place: number, source: number): number {
    for (let i = 0; i < HASH_BYTES; i++) {
      const order = (this.#bytes[place + i] ?? 0) - (this.#entries[source + i] ?? 0)
      if (order !== 0) return order
    }
    return 0
  }
}
