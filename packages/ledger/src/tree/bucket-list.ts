import { copyBytes } from '../bytes.ts'
import { HASH_BYTES } from '../constants.ts'
import { ENTRY_BYTES, LEAF } from './tree-hash.ts'

/** Lists of buckets that are edited, one behind the other in one buffer, each behind the byte of a leaf. */
export class BucketList {
  readonly #lists: Buffer
  readonly #entries: Buffer
  /** Of the list that is edited. */
  #start = 0
  #end = 0
  /** Where the entry that was looked for is, or would have to be; and where it is in `entries`. */
  #place = 0
  #source = 0

  /** Writes into `lists`, with room for all, what it takes from `entries`. */
  constructor(lists: Buffer, entries: Buffer) {
    this.#lists = lists
    this.#entries = entries
  }

  /** Where the newest list ends, and the next one begins. */
  get end(): number {
    return this.#end
  }

  /** Begins the next list, of so many bytes, which the caller puts behind the byte of a leaf. */
  begin(length: number): void {
    this.#lists[this.#end] = LEAF
    this.#start = this.#end + 1
    this.#end = this.#start + length
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
    if (!isHeld) this.#move(this.#place, this.#place + ENTRY_BYTES)
    copyBytes(this.#entries, this.#source, this.#source + ENTRY_BYTES, this.#lists, this.#place)
  }

  /** Takes out the entry that was found. */
  remove(): void {
    this.#move(this.#place + ENTRY_BYTES, this.#place)
  }

  #move(from: number, to: number): void {
    if (from < this.#end) this.#lists.copyWithin(to, from, this.#end)
    this.#end += to - from
  }

  /** The key at `place` against that at `source`. They seldom agree for long, so a call of the library would cost more. */
  #compare(place: number, source: number): number {
    for (let i = 0; i < HASH_BYTES; i++) {
      const order = (this.#lists[place + i] ?? 0) - (this.#entries[source + i] ?? 0)
      if (order !== 0) return order
    }
    return 0
  }
}
