import { FIRST_ANSWER_BYTES, LEAST_ANSWER_BYTES, MAX_BLOCKS_ANSWER_BYTES } from './constants.ts'

/** Parts of the time that an answer may take: below the first it is quick, and slow from the second on. */
const QUICK = 1 / 10
const SLOW = 1 / 3

/**
 * How many bytes of blocks a peer is asked for at once: as many as come well in time. Few at first, twice as many with each
 * answer that is quick, and half as many with one that is slow or does not come: over a slow link a large answer would never
 * come in time, however often it is asked for.
 */
export class AnswerSize {
  readonly #timeoutMs: number
  #bytes = FIRST_ANSWER_BYTES

  /** `timeoutMs` is the time that an answer may take. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get bytes(): number {
    return this.#bytes
  }

  /** An answer of so many bytes took so long; of none where none came. */
  took(bytes: number, ms: number): void {
    if (ms >= SLOW * this.#timeoutMs) this.#bytes = Math.max(LEAST_ANSWER_BYTES, Math.floor(this.#bytes / 2))
    // Less than half of what was asked for says little of how fast the whole would come.
    else if (ms <= QUICK * this.#timeoutMs && bytes >= this.#bytes / 2) {
      this.#bytes = Math.min(MAX_BLOCKS_ANSWER_BYTES, 2 * this.#bytes)
    }
  }
}
