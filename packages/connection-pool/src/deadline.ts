import { AbortError, TimeoutError } from '@libp2p/interface'
import { raceSignal } from 'race-signal'

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

/** Settles as `promise` does, or rejects with the reason of `signal`, or an error in its place, as soon as that aborts. */
export async function raced<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return raceSignal(promise, signal, {
    translateError: ({ reason }) => (reason instanceof Error ? reason : new AbortError()),
  })
}
