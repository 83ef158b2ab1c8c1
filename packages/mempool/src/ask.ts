/** What came of asking somebody else's code. */
export type Answer<V> = { ok: true; value: V } | { ok: false; message: string }

/**
 * Calls somebody else's code: what it throws, or that it does not answer in time, is an answer too. Built on
 * `setTimeout`, which simulated time replaces, unlike `AbortSignal.timeout`. Without a deadline only `outer` ends it.
 */
export async function ask<V>(
  what: string,
  call: (signal: AbortSignal) => V | Promise<V>,
  deadlineMs: number | undefined,
  outer: AbortSignal,
): Promise<Answer<V>> {
  const stopped = { ok: false, message: `${what} was not waited for: the pool has stopped` } as const
  if (outer.aborted) return stopped
  const controller = new AbortController()
  const gaveUp = Promise.withResolvers<Answer<V>>()
  const giveUp = (answer: Answer<V>): void => {
    // Here, and not some turns later below: no timer is left when who stops the pool goes on.
    clearTimeout(timer)
    controller.abort()
    gaveUp.resolve(answer)
  }
  const onAbort = (): void => giveUp(stopped)
  const onLate = (): void => giveUp({ ok: false, message: `${what} did not answer within ${deadlineMs} ms` })
  const timer = deadlineMs === undefined ? undefined : setTimeout(onLate, deadlineMs)
  outer.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([attempt(what, call, controller.signal), gaveUp.promise])
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', onAbort)
  }
}

async function attempt<V>(
  what: string,
  call: (signal: AbortSignal) => V | Promise<V>,
  signal: AbortSignal,
): Promise<Answer<V>> {
  try {
    return { ok: true, value: await call(signal) }
  } catch (err) {
    return { ok: false, message: `${what} failed: ${textOf(err)}` }
  }
}

/** What an error, or whatever was thrown, says. Never throws: an object without a prototype cannot be made a text. */
export function textOf(err: unknown): string {
  if (err instanceof Error) return err.message
  return typeof err === 'string' ? err : `a thrown ${typeof err}`
}
