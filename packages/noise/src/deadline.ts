import { TimeoutError } from '@libp2p/interface'

/**
 * Runs `work` until it ends, `outer` aborts or the time is over, whichever is first. Leaves no timer and no listener.
 * @throws {TimeoutError} when the time is over
 */
export async function withDeadline<T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const { signal } = controller
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason))
  const pass = (): void => controller.abort(outer?.reason)
  const timer = setTimeout(() => {
    controller.abort(new TimeoutError(`The handshake was not done within handshakeTimeoutMs, which is ${timeoutMs}`))
  }, timeoutMs)
  outer?.addEventListener('abort', pass)
  if (outer?.aborted === true) pass()
  try {
    // A signer or verifier that does not mind the signal is not waited for.
    return await Promise.race([aborted.promise, work(signal)])
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', pass)
  }
}
