import { MAX_CLOCK_STEP_MS } from './constants.ts'

const SEEN = 0
const NOW = 1

/**
 * A clock that only goes forward, made of one that may not. A step back, or a reading that is no number, counts as no
 * time at all: nobody is refilled by it, and nobody waits until the old time is reached again.
 */
export class ForwardClock {
  /** The last reading and the time made of all: in an array, or each reading would allocate two numbers. */
  readonly #ms = Float64Array.of(Number.NaN, 0)

  /** Advances by what passed since the last reading, and returns the time since the first one, in ms. */
  read(atMs: number): number {
    const ms = this.#ms
    const stepMs = atMs - (ms[SEEN] ?? atMs)
    if (Number.isFinite(atMs)) ms[SEEN] = atMs
    if (stepMs > 0) ms[NOW] = (ms[NOW] ?? 0) + Math.min(stepMs, MAX_CLOCK_STEP_MS)
    return ms[NOW] ?? 0
  }
}
