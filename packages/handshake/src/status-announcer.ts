import { STATUS_GAP_MS } from './constants.ts'

/**
 * Decides when our status goes out: at once after a change, once for all changes of a tick, not again before
 * `STATUS_GAP_MS` is over, and in any case every `intervalMs`.
 */
export class StatusAnnouncer {
  readonly #announce: () => void
  readonly #intervalMs: number
  #interval: ReturnType<typeof setInterval> | undefined
  #pending: ReturnType<typeof setTimeout> | undefined
  #lastAt = -Infinity

  constructor(intervalMs: number, announce: () => void) {
    this.#intervalMs = intervalMs
    this.#announce = announce
  }

  start(): void {
    this.#interval ??= setInterval(() => this.#fire(), this.#intervalMs)
  }

  stop(): void {
    clearInterval(this.#interval)
    clearTimeout(this.#pending)
    this.#interval = undefined
    this.#pending = undefined
  }

  /** Our status has changed. */
  changed(): void {
    if (this.#interval == null || this.#pending != null) return
    const waitMs = Math.max(0, this.#lastAt + STATUS_GAP_MS - performance.now())
    this.#pending = setTimeout(() => this.#fire(), waitMs)
  }

  #fire(): void {
    clearTimeout(this.#pending)
    this.#pending = undefined
    this.#lastAt = performance.now()
    this.#announce()
  }
}
