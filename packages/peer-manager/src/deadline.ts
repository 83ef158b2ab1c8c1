import { AbortError, TimeoutError } from '@libp2p/interface'

/**
 * Runs `work` with a signal, and waits for it until the deadline or until one of `signals` aborts; the signal given to
 * `work` aborts then too. Each call of `goOn` puts the deadline off to `ms` from then. Built on `setTimeout`, which
 * simulated time replaces, unlike `AbortSignal.timeout`.
 * @throws {TimeoutError} (libp2p's) at the deadline
 */
export async function within<T>(
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal, goOn: () => void) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const gaveUp = Promise.withResolvers<never>()
  // Where `work` throws before it returns a promise, nobody would be listening.
  gaveUp.promise.catch(() => {})
  const giveUp = (cause: unknown): void => {
    const err = cause instanceof Error ? cause : new AbortError()
    gaveUp.reject(err)
    controller.abort(err)
  }
  const onAbort = (evt: Event): void => giveUp(evt.target instanceof AbortSignal ? evt.target.reason : undefined)
  const timer = setTimeout(() => giveUp(new TimeoutError(`Nothing came within ${ms} ms`)), ms)
  for (const signal of signals) {
    if (signal?.aborted === true) giveUp(signal.reason)
    signal?.addEventListener('abort', onAbort)
  }
  try {
    return await Promise.race([gaveUp.promise, work(controller.signal, () => void timer.refresh())])
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal?.removeEventListener('abort', onAbort)
  }
}
