import type { SyncProgress } from './index.ts'

/** Counts how far something is, and tells it now and then. */
export class Progress {
  readonly #tell: (progress: SyncProgress) => void
  readonly #everyMs: number
  readonly #from: number
  readonly #sinceMs = performance.now()
  #toldMs = -Infinity
  #done = 0
  #now: SyncProgress | undefined

  constructor(from: number, everyMs: number, tell: (progress: SyncProgress) => void) {
    this.#from = from
    this.#everyMs = everyMs
    this.#tell = tell
  }

  get now(): SyncProgress | undefined {
    return this.#now
  }

  step(height: number, target: number): void {
    this.#done++
    const nowMs = performance.now()
    const blocksPerSecond = (this.#done * 1_000) / Math.max(1, nowMs - this.#sinceMs)
    this.#now = { from: this.#from, height, target, blocksPerSecond }
    if (nowMs - this.#toldMs < this.#everyMs) return
    this.#toldMs = nowMs
    this.#tell(this.#now)
  }
}
