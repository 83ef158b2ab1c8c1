import { orAbort } from './abort.ts'
import type { AddResult } from './index.ts'

/** What becomes of transactions that were offered together. */
export class Offer {
  readonly #results: AddResult[]
  readonly #settled = Promise.withResolvers<AddResult[]>()
  #open: number

  constructor(count: number) {
    this.#results = Array.from({ length: count })
    this.#open = count
    if (count === 0) this.#settled.resolve(this.#results)
  }

  /** Says what became of the one at `place`; once for each. */
  settle(place: number, result: AddResult): void {
    this.#results[place] = result
    this.#open -= 1
    if (this.#open === 0) this.#settled.resolve(this.#results)
  }

  /** What became of each, once all are settled; calls `onAbort`, and throws the signal's reason, if it aborts before. */
  async results(signal: AbortSignal | undefined, onAbort: () => void): Promise<AddResult[]> {
    try {
      return await orAbort(this.#settled.promise, signal)
    } catch (err) {
      // Only the signal gives up on them: what becomes of each is a result.
      onAbort()
      throw err
    }
  }
}
