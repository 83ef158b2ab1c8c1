import { SimImmediate, SimTimeout, timerDelay } from '../clock/sim-timer.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'

interface TimerOptions {
  signal?: AbortSignal
}

/** The functions of `node:timers/promises` in virtual time. */
export interface PromisedTimers {
  setTimeout: <T>(delay?: number, value?: T, options?: TimerOptions) => Promise<T | undefined>
  setImmediate: <T>(value?: T, options?: TimerOptions) => Promise<T | undefined>
  setInterval: <T>(delay?: number, value?: T, options?: TimerOptions) => AsyncGenerator<T | undefined>
  scheduler: {
    wait: (delay: number, options?: TimerOptions) => Promise<void>
    yield: () => Promise<void>
  }
}

interface Closable {
  close(): unknown
}

/** As the `AbortError` with which the promises of Node.js reject. */
class AbortedTimerError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'
}

function aborted(signal: AbortSignal): AbortedTimerError {
  return new AbortedTimerError('The operation was aborted', { cause: signal.reason })
}

/** Resolves when the timer that `start` makes has fired; rejects, and closes the timer, when the signal is faster. */
async function fired<T>(start: (done: () => void) => Closable, value: T, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted === true) throw aborted(signal)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = start(() => resolve(value))
  if (signal === undefined) return promise
  const onAbort = (): void => {
    timer.close()
    reject(aborted(signal))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function nothing(): void {}

async function* intervals<T>(clock: VirtualClock, delayMs: number, value: T, signal?: AbortSignal): AsyncGenerator<T> {
  let due = 0
  let wake = nothing
  const timer = new SimTimeout(clock, () => (due++, wake()), delayMs, true)
  const onAbort = (): void => {
    timer.close()
    wake()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      if (due > 0) {
        // What was due before the signal is still given, as in Node.js.
        due--
        yield value
      } else if (signal?.aborted === true) {
        throw aborted(signal)
      } else {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        await promise
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    timer.close()
  }
}

export function promisedTimers(clock: VirtualClock): PromisedTimers {
  const wait = <T>(delay: number | undefined, value: T, options: TimerOptions = {}): Promise<T> =>
    fired((done) => new SimTimeout(clock, done, timerDelay(delay), false), value, options.signal)
  const turn = <T>(value: T, options: TimerOptions = {}): Promise<T> =>
    fired((done) => new SimImmediate(clock, done), value, options.signal)
  return {
    setTimeout: (delay, value, options) => wait(delay, value, options),
    setImmediate: (value, options) => turn(value, options),
    setInterval: (delay, value, options) => intervals(clock, timerDelay(delay), value, options?.signal),
    scheduler: { wait: (delay, options) => wait(delay, undefined, options), yield: () => turn(undefined) },
  }
}
