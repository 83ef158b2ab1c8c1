import type { Limit } from './limits.ts'
import { remaining, waitMs } from './owed.ts'

const OWED = 0
const AT_MS = 1

/** The limit on all keys together, of `critical` or of all other lanes. Never in debt beyond its burst: all peers would have to wait for what one sent. */
export class TotalMeter {
  readonly #limit: Limit
  readonly #cells = new Float64Array(2)

  constructor(limit: Limit) {
    this.#limit = limit
  }

  get limit(): Limit {
    return this.#limit
  }

  /** Whether `messages` may be charged now. */
  hasRoom(messages: number, nowMs: number): boolean {
    const cells = this.#cells
    const owed = remaining(cells[OWED] ?? 0, nowMs - (cells[AT_MS] ?? 0), this.#limit)
    cells[OWED] = owed
    cells[AT_MS] = nowMs
    return owed + messages <= this.#limit.burst
  }

  /** Charges `messages`, for which there was room. */
  charge(messages: number): void {
    this.#cells[OWED] = (this.#cells[OWED] ?? 0) + messages
  }

  /** Time until `messages` pass, in ms, as of the last `hasRoom`; `Infinity` when they never do. */
  waitMs(messages: number): number {
    return messages > this.#limit.burst ? Infinity : waitMs(this.#cells[OWED] ?? 0, messages, this.#limit)
  }
}
