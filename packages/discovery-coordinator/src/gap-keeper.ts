/**
 * - `on-time`: the first within the gap; it begins now
 * - `early`: the second
 * - `flood`: any further one
 */
export type Timing = 'on-time' | 'early' | 'flood'

interface Visit {
  at: number
  repeats: number
}

/** Lets each peer through once in a while. */
export class GapKeeper {
  readonly #gapMs: number
  readonly #maxKeys: number
  readonly #visits = new Map<string, Visit>()

  constructor(gapMs: number, maxKeys: number) {
    this.#gapMs = gapMs
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#visits.size
  }

  /** Whether a visit now would be on time. */
  isFree(key: string): boolean {
    const visit = this.#visits.get(key)
    return visit === undefined || performance.now() - visit.at >= this.#gapMs
  }

  /** Notes a visit and tells how it was. While too many keys are remembered, a new one is early. */
  visit(key: string): Timing {
    const visit = this.#visits.get(key)
    if (visit !== undefined && !this.isFree(key)) return visit.repeats++ === 0 ? 'early' : 'flood'
    this.#visits.delete(key)
    this.#sweep()
    // To evict another to make room would let that one in again at once.
    if (this.#visits.size >= this.#maxKeys) return 'early'
    this.#visits.set(key, { at: performance.now(), repeats: 0 })
    return 'on-time'
  }

  clear(): void {
    this.#visits.clear()
  }

  // The map is in the order of time.
  #sweep(): void {
    for (const key of this.#visits.keys()) {
      if (!this.isFree(key)) return
      this.#visits.delete(key)
    }
  }
}
