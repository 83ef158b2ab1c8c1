/** Lets each key through once in a while, for a bounded number of keys. */
export class OncePer {
  readonly #intervalMs: number
  readonly #maxKeys: number
  /** When each key was last let through, the longest ago first. */
  readonly #atMs = new Map<string, number>()

  constructor(intervalMs: number, maxKeys: number) {
    this.#intervalMs = intervalMs
    this.#maxKeys = maxKeys
  }

  /** Whether `key` was not let through in the last interval. `nowMs` never goes back. */
  tryPass(key: string, nowMs: number): boolean {
    this.#forget(nowMs)
    if (this.#atMs.has(key) || this.#atMs.size >= this.#maxKeys) return false
    this.#atMs.set(key, nowMs)
    return true
  }

  clear(): void {
    this.#atMs.clear()
  }

  // Each key is forgotten once and found at the front, so this costs a constant time per pass.
  #forget(nowMs: number): void {
    for (const [key, atMs] of this.#atMs) {
      if (nowMs - atMs < this.#intervalMs) return
      this.#atMs.delete(key)
    }
  }
}
