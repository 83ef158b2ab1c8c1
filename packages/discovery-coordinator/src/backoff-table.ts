/** How long a candidate, or a host, is left alone. */
export interface BackoffInit {
  /** After the first attempt, in ms. */
  baseMs: number
  /** At most, in ms. */
  maxMs: number
  /** How many are remembered. */
  maxKeys: number
}

interface Attempts {
  count: number
  lastAt: number
  waitMs: number
}

/** Waits per candidate or host, each twice the one before, with jitter so that a crowd does not come back as one. */
export class BackoffTable {
  readonly #init: BackoffInit
  readonly #attempts = new Map<string, Attempts>()

  constructor(init: BackoffInit) {
    this.#init = init
  }

  get size(): number {
    return this.#attempts.size
  }

  /** Attempts in a row, as far as remembered. */
  attempts(key: string): number {
    return this.#attempts.get(key)?.count ?? 0
  }

  /** Notes an attempt, whatever comes of it, and returns the wait until the next in ms. */
  attempt(key: string): number {
    const { baseMs, maxMs } = this.#init
    const count = this.attempts(key) + 1
    return this.#wait(key, count, Math.min(baseMs * 2 ** (count - 1), maxMs))
  }

  /** Has it left alone for as long as any, without an attempt. */
  rest(key: string): void {
    this.#wait(key, this.attempts(key), this.#init.maxMs)
  }

  /** Whether the wait is over, or would be if none were longer than `capMs`. */
  isOver(key: string, capMs = Infinity): boolean {
    const attempts = this.#attempts.get(key)
    if (attempts === undefined) return true
    return performance.now() - attempts.lastAt >= Math.min(attempts.waitMs, capMs)
  }

  /** The next wait of this candidate begins anew. */
  forget(key: string): void {
    this.#attempts.delete(key)
  }

  #wait(key: string, count: number, fullMs: number): number {
    // Half of it is certain: with full jitter a peer could be dialled again at once.
    const waitMs = fullMs * (0.5 + Math.random() / 2)
    this.#attempts.delete(key)
    this.#makeRoom()
    this.#attempts.set(key, { count, lastAt: performance.now(), waitMs })
    return waitMs
  }

  // The map is in the order of attempts, so the first was left alone the longest. To forget it costs one early dial,
  // of which a round makes only so many.
  #makeRoom(): void {
    for (const key of this.#attempts.keys()) {
      if (this.#attempts.size < this.#init.maxKeys) return
      this.#attempts.delete(key)
    }
  }
}
