import { AbortError, TimeoutError } from '@libp2p/interface'
import { raceSignal } from 'race-signal'

/**
 * Runs `work` with a signal, and waits for it until the deadline or until `signal` aborts; the signal given to `work`
 * aborts then too. Each call of `goOn` puts the deadline off to `ms` from then. Built on `setTimeout`, which simulated
 * time replaces, unlike `AbortSignal.timeout`.
 * @throws {TimeoutError} (libp2p's) at the deadline
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal, goOn: () => void) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const giveUp = (reason: Error): void => controller.abort(reason)
  const onAbort = (): void => giveUp(reasonOf(signal))
  const timer = setTimeout(() => giveUp(new TimeoutError(`Nothing came within ${ms} ms`)), ms)
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort)
  try {
    return await raced(
      work(controller.signal, () => void timer.refresh()),
      controller.signal,
    )
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Settles as `promise` does, or rejects with the reason of `signal`, or an error in its place, as soon as that aborts. */
export async function raced<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return raceSignal(promise, signal, { translateError: reasonOf })
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new AbortError()
}
