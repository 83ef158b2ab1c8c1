import { raceSignal } from 'race-signal'

/** A signal that aborts after a while, and leaves no timer behind once it is cleared. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>

  constructor(ms: number, reason: () => Error) {
    this.#timer = setTimeout(() => this.#controller.abort(reason()), ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Never aborts from now on. */
  clear(): void {
    clearTimeout(this.#timer)
  }

  /** Aborts now. */
  abort(reason: Error): void {
    clearTimeout(this.#timer)
    this.#controller.abort(reason)
  }
}

/** Settles as `promise` does, or rejects with the reason of `signal`, as an error, as soon as that aborts. */
export async function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return raceSignal(promise, signal, { translateError: ({ reason }) => toError(reason) })
}

/** Resolves after `ms`, or rejects with the reason of `signal` as soon as that aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  try {
    await raced(promise, signal)
  } finally {
    clearTimeout(timer)
  }
}

/** What was thrown, as an error. Never throws: an object without a prototype cannot be made a text. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  const what = typeof thrown === 'string' ? thrown : `a thrown ${typeof thrown}`
  return new TypeError(`A value that is no error was thrown: ${what}`, { cause: thrown })
}
