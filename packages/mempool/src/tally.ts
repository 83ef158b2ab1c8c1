import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import { Counts } from './counts.ts'
import type { MempoolStats } from './index.ts'

/** What a pool did since it was made. */
export class Tally {
  readonly #refused = new Counts()
  readonly #removed = new Counts()
  #added = 0
  #corruptRecords = 0
  #logFailures = 0

  change<T extends PoolTransaction>(change: PoolChange<T>): void {
    if (change.type === 'added') this.#added += 1
    else if (change.type === 'removed') this.#removed.add(change.reason)
  }

  refusal(code: string): void {
    this.#refused.add(code)
  }

  corruptRecords(count: number): void {
    this.#corruptRecords += count
  }

  logFailure(): void {
    this.#logFailures += 1
  }

  counts(): Pick<MempoolStats, 'added' | 'refused' | 'removed' | 'corruptRecords' | 'logFailures'> {
    return {
      added: this.#added,
      refused: this.#refused.toObject(),
      removed: this.#removed.toObject(),
      corruptRecords: this.#corruptRecords,
      logFailures: this.#logFailures,
    }
  }
}
