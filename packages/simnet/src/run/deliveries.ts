import type { DeliveryLedger } from '../types.ts'

interface Published {
  readonly atMs: number
  readonly expected: number
  readonly by: Set<number>
}

/** The delay that a share of all delays does not exceed; 0 when there are none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Who was to get what, who got it, and how long it took. */
export class Deliveries implements DeliveryLedger {
  readonly #now: () => number
  readonly #onTwice: (message: string) => void
  readonly #published = new Map<string, Published>()
  readonly #delays: number[] = []
  #expected = 0

  constructor(now: () => number, onTwice: (message: string) => void) {
    this.#now = now
    this.#onTwice = onTwice
  }

  published(id: string, expected: number): void {
    if (this.#published.has(id)) throw new RangeError(`Message ${id} was published already`)
    this.#published.set(id, { atMs: this.#now(), expected, by: new Set() })
    this.#expected += expected
  }

  delivered(id: string, node: number): void {
    const message = this.#published.get(id)
    if (message === undefined) throw new RangeError(`Message ${id} was delivered and never published`)
    if (message.by.has(node)) {
      this.#onTwice(`Node ${node} was given message ${id} again`)
      return
    }
    message.by.add(node)
    this.#delays.push(this.#now() - message.atMs)
  }

  count(id: string): number {
    return this.#published.get(id)?.by.size ?? 0
  }

  summary(): { deliveredRatio: number; p50Ms: number; p99Ms: number } {
    const sorted = this.#delays.toSorted((a, b) => a - b)
    const deliveredRatio = this.#expected === 0 ? 1 : sorted.length / this.#expected
    return { deliveredRatio, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
  }
}
