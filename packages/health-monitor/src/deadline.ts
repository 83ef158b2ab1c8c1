import { AbortError, TimeoutError } from '@libp2p/interface'

/**
 * Waits for `work` until `ms` are over or `stopped` aborts, whether or not `work` heeds the signal it is given. By
 * `setTimeout`, which simulated time replaces, unlike `AbortSignal.timeout`.
 * @throws {TimeoutError} (libp2p's) at the deadline
 */
export async function within<T>(
  ms: number,
  stopped: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const over = Promise.withResolvers<never>()
  // Where `work` throws at once, nobody listens.
  over.promise.catch(() => {})
  const end = (err: Error): void => {
    over.reject(err)
    controller.abort(err)
  }
  const onStop = (): void => end(new AbortError())
  const timer = setTimeout(() => end(new TimeoutError(`Nothing came within ${ms} ms`)), ms)
  stopped.addEventListener('abort', onStop)
  try {
    if (stopped.aborted) onStop()
    return await Promise.race([over.promise, work(controller.signal)])
  } finally {
    clearTimeout(timer)
    stopped.removeEventListener('abort', onStop)
  }
}
