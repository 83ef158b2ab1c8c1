import { ATTEMPT_WINDOW_MS } from './constants.ts'

/**
 * Counts attempts by IP in a sliding second: never more than `perSecond` of one IP pass within any second. A refused
 * attempt does not count, or whoever keeps knocking would stay out for ever.
 */
export class AttemptWindow {
  readonly #perSecond: number
  readonly #maxIps: number
  /** Times of what passed, the newest last. Maps keep the order of insertion, so the stalest IP comes first. */
  readonly #passed = new Map<string, number[]>()

  constructor(perSecond: number, maxIps: number) {
    this.#perSecond = perSecond
    this.#maxIps = maxIps
  }

  /** IPs held at the moment. */
  get size(): number {
    return this.#passed.size
  }

  /** Lets an attempt pass, or says which of the two limits it is over. */
  take(ip: string, nowMs: number): 'passed' | 'too-many-attempts' | 'too-many-ips' {
    this.#forget(nowMs)
    const recent = (this.#passed.get(ip) ?? []).filter((atMs) => nowMs - atMs < ATTEMPT_WINDOW_MS)
    if (recent.length >= this.#perSecond) return 'too-many-attempts'
    // To forget another IP instead would hand that one a fresh second.
    if (recent.length === 0 && this.#passed.size >= this.#maxIps) return 'too-many-ips'
    this.#passed.delete(ip)
    this.#passed.set(ip, [...recent, nowMs])
    return 'passed'
  }

  clear(): void {
    this.#passed.clear()
  }

  #forget(nowMs: number): void {
    for (const [ip, times] of this.#passed) {
      if (nowMs - (times.at(-1) ?? 0) < ATTEMPT_WINDOW_MS) return
      this.#passed.delete(ip)
    }
  }
}
