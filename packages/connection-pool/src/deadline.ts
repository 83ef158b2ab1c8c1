import { AbortError, TimeoutError } from '@libp2p/interface'

/**
 * Runs `work` with a signal, and waits for it until the deadline or until one of `signals` aborts; the signal given to
 * `work` aborts then too. Built on `setTimeout`, which simulated time replaces, unlike `AbortSignal.timeout`.
 * @throws {TimeoutError} (libp2p's) at the deadline
 */
export async function within<T>(
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new TimeoutError(`Not done within ${ms} ms`)), ms)
  const given = signals.filter((signal) => signal !== undefined)
  const signal = AbortSignal.any([deadline.signal, ...given])
  try {
    signal.throwIfAborted()
    return await raced(work(signal), signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Settles as `promise` does, or rejects with the reason of `signal` as soon as that aborts. */
export async function raced<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  // Whichever loses must not become an unhandled rejection.
  promise.catch(() => undefined)
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason instanceof Error ? signal.reason : new AbortError())
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
