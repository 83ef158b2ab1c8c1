/** Peers that were lost without a goodbye and are expected back for a while. */
export class LostPeers {
  readonly #expectedForMs: number
  readonly #maxPeers: number
  /** When each was lost, the longest ago first. */
  readonly #lostAtMs = new Map<string, number>()

  constructor(expectedForMs: number, maxPeers: number) {
    this.#expectedForMs = expectedForMs
    this.#maxPeers = maxPeers
  }

  /** Notes a loss. Beyond the limit the one lost the longest ago is forgotten. */
  add(key: string, nowMs: number): void {
    this.#lostAtMs.delete(key)
    this.#lostAtMs.set(key, nowMs)
    const [oldest] = this.#lostAtMs.keys()
    if (this.#lostAtMs.size > this.#maxPeers && oldest !== undefined) this.#lostAtMs.delete(oldest)
  }

  /** The peer is back, or nobody waits for it any more. */
  delete(key: string): void {
    this.#lostAtMs.delete(key)
  }

  clear(): void {
    this.#lostAtMs.clear()
  }

  /** Who is still expected. */
  keys(nowMs: number): string[] {
    for (const [key, lostAtMs] of this.#lostAtMs) {
      if (nowMs - lostAtMs < this.#expectedForMs) break
      this.#lostAtMs.delete(key)
    }
    return [...this.#lostAtMs.keys()]
  }
}
