import { SEQUENCE_PER_MS } from './constants.ts'

/** Our own sequence numbers: they rise with each message, and over restarts. */
export class OwnSequence {
  #next = 0n

  /** The number the next message gets. */
  get next(): bigint {
    return this.#next
  }

  /**
   * Goes on from `mark`, or from the clock where that is further: the clock alone suffices as long as it is not set
   * back and no more than 1,000 messages are sealed per ms; the mark covers the rest.
   */
  resumeFrom(mark: bigint): void {
    for (const least of [mark, BigInt(Date.now()) * SEQUENCE_PER_MS]) {
      if (least > this.#next) this.#next = least
    }
  }

  /** Uses up one number. */
  take(): bigint {
    return this.#next++
  }
}
