/** Time before the next try, in ms: a random share of a bound that doubles, or what the peer asked for, if more. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, retryAfterMs = 0): number {
  const bound = Math.min(maxMs, baseMs * 2 ** attempt)
  return Math.max(retryAfterMs, Math.random() * bound)
}

const RETRIABLE = new Set([
  'LinkLostError',
  'UnreachableError',
  'BusyError',
  'RateLimitedError',
  // Its receiver had no room for the request.
  'MessageRefusedError',
])

/** Names, and codes of a refused stream, by which the handler did not run. */
const NOT_RUN = new Set([
  'UnreachableError',
  'HandshakeRejectedError',
  'BusyError',
  'RateLimitedError',
  'UnknownHandlerError',
  'MessageRefusedError',
  'QueueFullError',
  'not-ready',
  'too-many-streams',
])

/** Whether the handler did not run for a single question that failed so. */
export function hasNotRun(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return NOT_RUN.has(error.name) || ('code' in error && typeof error.code === 'string' && NOT_RUN.has(error.code))
}

/** Whether a call that failed so may be made again, where it is idempotent. */
export function isRetriable(error: unknown): error is Error & { retryAfterMs?: number } {
  if (!(error instanceof Error)) return false
  // Whoever says when to try again says that nothing was done.
  if ('retryAfterMs' in error && typeof error.retryAfterMs === 'number' && error.retryAfterMs > 0) return true
  if (!RETRIABLE.has(error.name)) return false
  // There is but a relayed link, which carries no calls: each attempt would dial anew, and find the same.
  if (error.cause instanceof Error && error.cause.name === 'LimitedConnectionError') return false
  return !('code' in error && error.code === 'message-too-large')
}

/** Resolves after `ms`. @throws the reason of the first of `signals` to abort, where one does before */
export async function delay(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  try {
    await unlessAborted(promise, ...signals)
  } finally {
    clearTimeout(timer)
  }
}

/** What `work` gives. @throws the reason of the first of `signals` to abort, where one does before: it is not waited for */
export async function unlessAborted<T>(work: Promise<T>, ...signals: (AbortSignal | undefined)[]): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signals.find((signal) => signal?.aborted)?.reason)
  for (const signal of signals) {
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  }
  try {
    return await Promise.race([aborted, work])
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', onAbort)
  }
}
