import assert from 'node:assert/strict'

const DEFAULT_PATIENCE_MS = 10_000
const POLL_INTERVAL_MS = 5

// Taken when the module loads: a harness that fakes timers later must not stop the patience.
const { clearTimeout: stopTimer, setTimeout: startTimer } = globalThis
const now = performance.now.bind(performance)

/** How long a case waits for what must happen. Nothing is awaited without it, so a case that hangs says on what. */
export class Patience {
  readonly ms: number

  /** @throws {RangeError} unless `patienceMs` is above 0 */
  constructor(patienceMs: number = DEFAULT_PATIENCE_MS) {
    if (!(patienceMs > 0)) throw new RangeError(`patienceMs ${patienceMs} must be above 0`)
    this.ms = patienceMs
  }

  /** Settles as `promise` does, or fails naming what was awaited. */
  async within<T>(what: string, promise: Promise<T> | T): Promise<T> {
    const { promise: overrun, reject } = Promise.withResolvers<never>()
    const timer = startTimer(() => reject(this.#overrun(what)), this.ms)
    try {
      return await Promise.race([promise, overrun])
    } finally {
      stopTimer(timer)
    }
  }

  /** Resolves with what `promise` is rejected with; fails where it resolves, or does neither. */
  async rejection(what: string, promise: Promise<unknown>): Promise<unknown> {
    const settled = promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    const outcome = await this.within(what, settled)
    if ('error' in outcome) return outcome.error
    return assert.fail(`${what}: resolved, and should have been rejected`)
  }

  /** Resolves once `check` holds. */
  async until(what: string, check: () => boolean): Promise<void> {
    const endsAtMs = now() + this.ms
    while (!check()) {
      if (now() > endsAtMs) throw this.#overrun(what)
      await pause(POLL_INTERVAL_MS)
    }
  }

  #overrun(what: string): assert.AssertionError {
    return new assert.AssertionError({ message: `${what}: not within ${this.ms} ms` })
  }
}

/** The same promise, which may be awaited late, or not at all where the case fails before. */
export function held<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

/** Resolves after `ms` of real time, rounded up. */
export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => startTimer(resolve, Math.ceil(ms)))
}

/** Real time in ms, by a clock that only goes forward. */
export function realTimeMs(): number {
  return now()
}
