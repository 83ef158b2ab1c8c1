import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'

/** Tells of changes in the order in which they happened, also where a listener brings about further ones. */
export class Teller<T extends PoolTransaction> {
  readonly #tell: (change: PoolChange<T>) => void
  readonly #untold: PoolChange<T>[] = []
  #isTelling = false

  constructor(tell: (change: PoolChange<T>) => void) {
    this.#tell = tell
  }

  /** Tells of changes; where it is called by a listener, they are told after what happened before. */
  tell(changes: readonly PoolChange<T>[]): void {
    for (const change of changes) this.#untold.push(change)
    if (this.#isTelling) return
    this.#isTelling = true
    // It may grow while it is walked.
    for (const change of this.#untold) this.#tell(change)
    this.#untold.length = 0
    this.#isTelling = false
  }
}
