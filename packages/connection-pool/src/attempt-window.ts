import { ATTEMPT_WINDOW_MS } from './constants.ts'

/**
 * Counts attempts by source in a sliding second: never more than `perSecond` of one source pass within any second. A
 * refused attempt does not count, or whoever keeps knocking would stay out for ever.
 */
export class AttemptWindow {
  readonly #perSecond: number
  readonly #maxSources: number
  /** Times of what passed, the newest last. Maps keep the order of insertion, so the stalest source comes first. */
  readonly #passed = new Map<string, number[]>()

  constructor(perSecond: number, maxSources: number) {
    this.#perSecond = perSecond
    this.#maxSources = maxSources
  }

  /** Sources held at the moment. */
  get size(): number {
    return this.#passed.size
  }

  /** Which of the two limits one more attempt would be over, if any. */
  excess(source: string, nowMs: number): 'too-many-attempts' | 'too-many-sources' | undefined {
    this.#forget(nowMs)
    const recent = this.#recent(source, nowMs).length
    if (recent >= this.#perSecond) return 'too-many-attempts'
    // To forget another source instead would hand that one a fresh second.
    return recent === 0 && this.#passed.size >= this.#maxSources ? 'too-many-sources' : undefined
  }

  /** Counts an attempt that passed. */
  count(source: string, nowMs: number): void {
    const recent = this.#recent(source, nowMs)
    this.#passed.delete(source)
    this.#passed.set(source, [...recent, nowMs])
  }

  #recent(source: string, nowMs: number): number[] {
    return (this.#passed.get(source) ?? []).filter((atMs) => nowMs - atMs < ATTEMPT_WINDOW_MS)
  }

  #forget(nowMs: number): void {
    for (const [source, times] of this.#passed) {
      if (nowMs - (times.at(-1) ?? 0) < ATTEMPT_WINDOW_MS) return
      this.#passed.delete(source)
    }
  }
}
