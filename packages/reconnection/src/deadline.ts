import { TimeoutError } from '@libp2p/interface'

/**
 * Runs `work` with a signal, and waits for it until the deadline or until `outer` aborts; the signal given to `work`
 * aborts then too. Built on `setTimeout`, which simulated time replaces, unlike `AbortSignal.timeout`.
 * @throws {TimeoutError} (libp2p's) at the deadline
 */
export async function within<T>(ms: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  outer.throwIfAborted()
  const controller = new AbortController()
  const gaveUp = Promise.withResolvers<never>()
  const giveUp = (reason: unknown): void => {
    controller.abort(reason)
    gaveUp.reject(reason)
  }
  const onAbort = (): void => giveUp(outer.reason)
  const timer = setTimeout(() => giveUp(new TimeoutError(`Not done within ${ms} ms`)), ms)
  outer.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(controller.signal), gaveUp.promise])
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', onAbort)
  }
}
