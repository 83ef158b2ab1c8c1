import { TimeoutError } from '@libp2p/interface'

/**
 * Runs `task` with a signal that aborts after `ms`, or with `parent` where there is one. Not `AbortSignal.timeout`: its timer is none of
 * the global ones, so a simulator could not advance it.
 */
export async function withTimeout<T>(
  ms: number,
  parent: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent?.throwIfAborted()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new TimeoutError(`Not done within ${ms} ms`)), ms)
  const onAbort = (): void => controller.abort(parent?.reason)
  parent?.addEventListener('abort', onAbort, { once: true })
  try {
    return await task(controller.signal)
  } finally {
    clearTimeout(timer)
    parent?.removeEventListener('abort', onAbort)
  }
}

/** The error a signal aborted with. */
export function abortReason(signal: AbortSignal): Error {
  return toError(signal.reason)
}

/** `value` where it is an error, else one that holds it. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new TypeError('Something was thrown that is not an error', { cause: value })
}
