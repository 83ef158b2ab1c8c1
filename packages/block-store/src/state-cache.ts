import { CACHE_ENTRY_BYTES } from './constants.ts'

/** What a cache of state entries holds and did. */
export interface CacheStats {
  entries: number
  /** Keys and values, and 256 bytes for each entry. */
  bytes: number
  hits: number
  misses: number
  /** Entries that made room for others. */
  evictions: number
}

/** The state entries used last, bounded in bytes. Keys are strings of one character for each byte. */
export class StateCache {
  readonly #maxBytes: number
  // In the order of use: a Map keeps insertion order, and an entry that is used is inserted anew.
  readonly #entries = new Map<string, Uint8Array>()
  readonly stats: Readonly<CacheStats>
  readonly #stats: CacheStats = { entries: 0, bytes: 0, hits: 0, misses: 0, evictions: 0 }

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.stats = this.#stats
  }

  /** The value, which becomes the one used last. */
  get(key: string): Uint8Array | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) {
      this.#stats.misses += 1
      return undefined
    }
    this.#stats.hits += 1
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Keeps a copy: the value may be a view of a block, which would stay in memory whole. */
  set(key: string, value: Uint8Array): void {
    this.delete(key)
    const bytes = cost(key, value)
    if (bytes > this.#maxBytes) return
    this.#entries.set(key, new Uint8Array(value))
    this.#stats.bytes += bytes
    if (this.#stats.bytes > this.#maxBytes) this.#makeRoom()
    this.#stats.entries = this.#entries.size
  }

  delete(key: string): void {
    const value = this.#entries.get(key)
    if (value === undefined) return
    this.#entries.delete(key)
    this.#stats.bytes -= cost(key, value)
    this.#stats.entries = this.#entries.size
  }

  #makeRoom(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#stats.bytes <= this.#maxBytes) break
      this.delete(oldest)
      this.#stats.evictions += 1
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#stats.bytes = 0
    this.#stats.entries = 0
  }
}

function cost(key: string, value: Uint8Array): number {
  return key.length + value.length + CACHE_ENTRY_BYTES
}
