import { CACHE_ENTRY_BYTES } from './constants.ts'
import { ValueLog } from './value-log.ts'

/** What a cache of state entries holds and did. */
export interface CacheStats {
  entries: number
  /** Keys and values, and 96 bytes for each entry; values that are gone count until their generation is. */
  bytes: number
  hits: number
  misses: number
  /** Entries that made room for others. */
  evictions: number
}

/** Entries and what they cost. */
interface Generation {
  /** Places of the values, by key. */
  readonly places: Map<string, number>
  readonly values: ValueLog
  bytes: number
}

/**
 * The state entries used last, bounded in bytes. Keys are strings of one character for each byte.
 *
 * There are two generations: what is used comes into the young one, and when that has half of the bytes, it becomes the
 * old one and what was old is forgotten. So a hit costs one look into a map. One map in the order of use would cost as
 * much only until it is full: whoever asks V8 for the first entry of a map walks over all that was deleted there, 36 µs
 * for an eviction among 200,000.
 */
export class StateCache {
  readonly #maxBytes: number
  #young: Generation
  #old: Generation
  #hits = 0
  #misses = 0
  #evictions = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#young = this.#generation()
    this.#old = this.#generation()
  }

  get stats(): Readonly<CacheStats> {
    const [young, old] = [this.#young, this.#old]
    return {
      entries: young.places.size + old.places.size,
      bytes: young.bytes + old.bytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    }
  }

  /** The value, which counts as used. */
  get(key: string): Uint8Array | undefined {
    const young = this.#young.places.get(key)
    if (young !== undefined) {
      this.#hits += 1
      return this.#young.values.at(young)
    }
    const old = this.#old.places.get(key)
    if (old === undefined) {
      this.#misses += 1
      return undefined
    }
    this.#hits += 1
    const value = this.#old.values.at(old)
    remove(this.#old, key)
    this.#put(key, value)
    return value
  }

  /** As `add`, in the place of what there is. */
  set(key: string, value: Uint8Array): void {
    this.delete(key)
    this.add(key, value)
  }

  /** Puts in an entry that is not there. Keeps a copy: the value may be a view of a block, which would stay in memory whole. */
  add(key: string, value: Uint8Array): void {
    if (cost(key, value) <= this.#maxBytes / 2) this.#put(key, value)
  }

  delete(key: string): void {
    if (!remove(this.#young, key)) remove(this.#old, key)
  }

  clear(): void {
    this.#young = this.#generation()
    this.#old = this.#generation()
  }

  #put(key: string, value: Uint8Array): void {
    const bytes = cost(key, value)
    if (this.#young.bytes + bytes > this.#maxBytes / 2) {
      this.#evictions += this.#old.places.size
      this.#old = this.#young
      this.#young = this.#generation()
    }
    this.#young.places.set(key, this.#young.values.add(value))
    this.#young.bytes += bytes
  }

  #generation(): Generation {
    return { places: new Map(), values: new ValueLog(this.#maxBytes / 2), bytes: 0 }
  }
}

/** The bytes of its value stay taken until all of the generation goes. */
function remove(generation: Generation, key: string): boolean {
  if (!generation.places.delete(key)) return false
  generation.bytes -= key.length + CACHE_ENTRY_BYTES
  return true
}

function cost(key: string, value: Uint8Array): number {
  return key.length + value.length + CACHE_ENTRY_BYTES
}
