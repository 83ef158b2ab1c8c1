import { PING_JITTER } from './constants.ts'

/**
 * When each peer is due. A new peer at once; then at a random moment of the interval, so that peers that came together
 * are spread; from there on every interval, or up to a tenth of it earlier.
 */
export class PingSchedule {
  readonly #intervalMs: number
  readonly #dueMs = new Map<string, number>()
  readonly #newcomers = new Set<string>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  add(key: string, nowMs: number): void {
    this.#dueMs.set(key, nowMs)
    this.#newcomers.add(key)
  }

  remove(key: string): void {
    this.#dueMs.delete(key)
    this.#newcomers.delete(key)
  }

  clear(): void {
    this.#dueMs.clear()
    this.#newcomers.clear()
  }

  /** Takes the peers that are due, the longest due first. They are not due again until `next` is called for them. */
  take(nowMs: number): string[] {
    const due = [...this.#dueMs].filter(([, dueMs]) => dueMs <= nowMs).toSorted(([, a], [, b]) => a - b)
    return due.map(([key]) => {
      this.#dueMs.delete(key)
      return key
    })
  }

  /** Sets the next ping of a peer whose last one began at `startedMs`. */
  next(key: string, startedMs: number): void {
    const isNew = this.#newcomers.delete(key)
    const early = isNew ? Math.random() : PING_JITTER * Math.random()
    this.#dueMs.set(key, startedMs + this.#intervalMs * (1 - early))
  }
}
