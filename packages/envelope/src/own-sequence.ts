import { type Lane, LANES } from '@gridmesh/interfaces'
import { SEQUENCE_PER_MS } from './constants.ts'

/**
 * Our own sequence numbers: those of each lane rise with each message in it, and over restarts. Each lane counts for
 * itself: in a common sequence the messages of a busy lane would push those of a quiet one out of a receiver's window.
 */
export class OwnSequence {
  readonly #next: Record<Lane, bigint> = { critical: 0n, high: 0n, normal: 0n, bulk: 0n }

  /** No lane has used a number as high as this, or higher. */
  get mark(): bigint {
    return LANES.reduce((mark, lane) => (this.#next[lane] > mark ? this.#next[lane] : mark), 0n)
  }

  /**
   * Goes on from `mark`, or from the clock where that is further: the clock alone suffices as long as it is not set
   * back and no more than 1,000 messages are sealed per ms; the mark covers the rest.
   */
  resumeFrom(mark: bigint): void {
    const clock = BigInt(Date.now()) * SEQUENCE_PER_MS
    for (const lane of LANES) {
      for (const least of [mark, clock]) if (least > this.#next[lane]) this.#next[lane] = least
    }
  }

  /** Uses up one number of a lane. */
  take(lane: Lane): bigint {
    return this.#next[lane]++
  }
}
