import type { VirtualClock } from '../clock/virtual-clock.ts'
import { MAX_VIOLATIONS } from '../constants.ts'
import type { Violation } from '../types.ts'
import type { Trace } from './trace.ts'

/** Laws that did not hold, with what happened before. Only the first hundred are kept. */
export class Violations {
  readonly #clock: VirtualClock
  readonly #trace: Trace
  readonly #list: Violation[] = []

  constructor(clock: VirtualClock, trace: Trace) {
    this.#clock = clock
    this.#trace = trace
  }

  get list(): readonly Violation[] {
    return this.#list
  }

  add(invariant: string, message: string): void {
    if (this.#list.length >= MAX_VIOLATIONS) return
    const { nowMs: atMs, current } = this.#clock
    this.#list.push({ invariant, message, atMs, node: current.index, lastEvents: this.#trace.last() })
  }

  /** Notes an error that nobody caught: outside of a simulation it would have ended the process. */
  addThrown(invariant: string, err: unknown): void {
    this.add(invariant, err instanceof Error ? (err.stack ?? err.message) : String(err))
  }
}
