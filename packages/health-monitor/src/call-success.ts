import type { CallOutcomes } from '@gridmesh/interfaces'
import { SlidingCount } from './sliding-count.ts'

/** The share of calls that were answered lately, from counts that only rise. */
export class CallSuccess {
  readonly #windowMs: number
  #answered: SlidingCount
  #failed: SlidingCount
  #last: CallOutcomes | undefined

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.#answered = new SlidingCount(windowMs)
    this.#failed = new SlidingCount(windowMs)
  }

  /** Begins anew. The first outcomes after it only say where the counts stand. */
  reset(): void {
    this.#answered = new SlidingCount(this.#windowMs)
    this.#failed = new SlidingCount(this.#windowMs)
    this.#last = undefined
  }

  /** Counts the calls since the outcomes before. */
  add(outcomes: CallOutcomes, nowMs: number): void {
    const { answered, failed } = this.#last ?? outcomes
    this.#answered.add(nowMs, Math.max(outcomes.answered - answered, 0))
    this.#failed.add(nowMs, Math.max(outcomes.failed - failed, 0))
    // Whoever counts may give the very object in which it goes on counting.
    this.#last = { answered: outcomes.answered, failed: outcomes.failed }
  }

  /** From 0 to 1; `undefined` where no call ended in the window that ends at `nowMs`. */
  share(nowMs: number): number | undefined {
    const answered = this.#answered.sum(nowMs)
    const ended = answered + this.#failed.sum(nowMs)
    return ended === 0 ? undefined : answered / ended
  }
}
