import { RequestTimeoutError, SyncStoppedError } from './errors.ts'

interface AskInit {
  /** For errors. */
  what: string
  timeoutMs: number
  /** Each of them ends it. */
  signals: readonly AbortSignal[]
  /** Whether the call is told of an abort, and then waited for: what it writes may not go on unseen. @default false */
  isWaitedFor?: boolean
}

/**
 * Calls somebody else's code, for as long as it may take: whether it heeds its signal or not, this ends. Built on
 * `setTimeout`, which simulated time replaces, unlike `AbortSignal.timeout`, and without `AbortSignal.any`, which would
 * leave something behind in long-lived signals for each call.
 *
 * @throws {RequestTimeoutError} @throws {SyncStoppedError} when a signal aborts @throws what the call does
 */
export async function ask<T>(
  { what, timeoutMs, signals, isWaitedFor = false }: AskInit,
  call: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  if (signals.some(({ aborted }) => aborted)) throw new SyncStoppedError()
  const controller = new AbortController()
  const over = Promise.withResolvers<never>()
  const onAbort = (): void => {
    if (!isWaitedFor) over.reject(new SyncStoppedError())
    controller.abort()
  }
  const onLate = (): void => {
    over.reject(new RequestTimeoutError(what, timeoutMs))
    controller.abort()
  }
  const timer = setTimeout(onLate, timeoutMs)
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([attempt(call, controller.signal), over.promise])
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}

/** What the call throws at once is a rejection too. */
async function attempt<T>(call: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): Promise<T> {
  return await call(signal)
}

/** What an error, or whatever was thrown, says. Never throws: an object without a prototype cannot be made a text. */
export function textOf(err: unknown): string {
  if (err instanceof Error) return err.message
  return typeof err === 'string' ? err : `a thrown ${typeof err}`
}

/** Whether an answer was not the one encoding of anything. By name: two copies of a package may be loaded. */
export function isMalformed(err: unknown): boolean {
  return err instanceof Error && err.name === 'MalformedMessageError'
}
