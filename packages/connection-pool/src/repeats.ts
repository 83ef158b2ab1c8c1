import { MAX_REPEATS, REPEAT_MS } from './constants.ts'

/** Tells what is news from what only happened again, so that whoever keeps coming fills no log. */
export class Repeats {
  /** Maps keep the order of insertion, so the one told longest ago comes first. */
  readonly #told = new Map<string, { atMs: number; since: number }>()

  /**
   * Notes that it happened. Returns `undefined` where that was told of less than a minute ago, and else how often it has
   * happened since it was told of last.
   */
  note(key: string, nowMs: number): number | undefined {
    const told = this.#told.get(key)
    if (told !== undefined && nowMs - told.atMs < REPEAT_MS) {
      told.since++
      return undefined
    }
    this.#told.delete(key)
    this.#makeRoom()
    this.#told.set(key, { atMs: nowMs, since: 0 })
    return told?.since ?? 0
  }

  #makeRoom(): void {
    for (const key of this.#told.keys()) {
      if (this.#told.size < MAX_REPEATS) return
      this.#told.delete(key)
    }
  }
}
