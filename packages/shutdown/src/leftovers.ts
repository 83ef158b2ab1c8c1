import process from 'node:process'
import { DEFAULT_IGNORED_RESOURCES, DEFAULT_SETTLE_MS, LOOK_INTERVAL_MS } from './constants.ts'
import { LeftoversError } from './errors.ts'
import type { Leftover, LeftoversInit } from './index.ts'
import { timeMs } from './times.ts'

/** The type under which the process lists timers. */
const TIMER = 'Timeout'

/** Finds what was opened since it was constructed and is still there. */
export class Leftovers {
  readonly #init: Required<LeftoversInit>
  readonly #before: ReadonlyMap<string, number>

  constructor(init: LeftoversInit = {}) {
    const { checks = [], ignore = DEFAULT_IGNORED_RESOURCES, settleMs = DEFAULT_SETTLE_MS } = init
    const { resources = () => process.getActiveResourcesInfo() } = init
    this.#init = { checks, ignore, resources, settleMs: timeMs('settleMs', settleMs) }
    this.#before = countByType(resources())
  }

  /** What is left, apart from `ownTimers`, which the shutdown needs to end itself. */
  list(ownTimers: number): Leftover[] {
    const { checks, ignore, resources } = this.#init
    const now = countByType(resources())
    const opened = [...now].map(([name, count]): Leftover => {
      const expected = (this.#before.get(name) ?? 0) + (name === TIMER ? ownTimers : 0)
      return { name, count: ignore.includes(name) ? 0 : count - expected }
    })
    const checked = checks.map((check): Leftover => ({ name: check.name, count: check.count() }))
    return [...opened, ...checked].filter(({ count }) => count > 0)
  }

  /**
   * Resolves when nothing is left.
   *
   * @throws {LeftoversError} when something still is after `settleMs`, or when `signal` aborts
   */
  async verify(signal: AbortSignal, ownTimers: () => number): Promise<void> {
    const untilMs = performance.now() + this.#init.settleMs
    let left = this.list(ownTimers())
    while (left.length > 0) {
      if (signal.aborted || performance.now() >= untilMs) throw new LeftoversError(left)
      await pause(signal)
      left = this.list(ownTimers())
    }
  }
}

/** Resolves after a moment, or when `signal` aborts. */
async function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const onAbort = (): void => resolve()
  const timer = setTimeout(resolve, LOOK_INTERVAL_MS)
  signal.addEventListener('abort', onAbort, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', onAbort)
}

function countByType(types: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}
