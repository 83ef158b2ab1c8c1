import { backoffMs, delay, hasNotRun, isRetriable, unlessAborted } from './backoff.ts'
import { LinkLostError } from './errors.ts'
import type { Limits } from './limits.ts'
import type { Question } from './outbound-call.ts'
import { withTimeout } from './timeout.ts'

/**
 * Asks again after a failure of the link or for want of room, within one deadline, under one key, and not once `stopped`.
 * Ends in a `LinkLostError` where the last attempt did not run and one before it may have; the last error is its cause.
 */
export async function withRetries<T>(
  question: Question,
  limits: Pick<Limits, 'retries' | 'retryBaseMs' | 'retryMaxMs'>,
  stopped: AbortSignal,
  once: (question: Question) => Promise<T>,
): Promise<T> {
  const endMs = performance.now() + question.deadlineMs
  let { payload } = question
  let mayHaveRun = false
  const ended = (err: unknown): unknown => (mayHaveRun && hasNotRun(err) ? new LinkLostError({ cause: err }) : err)
  for (let attempt = 0; ; attempt++) {
    try {
      return await once({ ...question, payload, deadlineMs: Math.max(1, endMs - performance.now()) })
    } catch (err) {
      if (attempt >= limits.retries || !isRetriable(err)) throw ended(err)
      mayHaveRun ||= err.name === LinkLostError.name
      const ms = backoffMs(attempt, limits.retryBaseMs, limits.retryMaxMs, err.retryAfterMs)
      // There would be no time left for an answer.
      if (performance.now() + ms >= endMs) throw ended(err)
      await delay(ms, question.signal, stopped)
      // Where it may have run, whatever knows the bytes again has to find the same.
      if (!mayHaveRun) payload = (await renewed(question, endMs - performance.now(), stopped)) ?? payload
    }
  }
}

/** The bytes of the next attempt, where the caller gives them in time. */
async function renewed({ renew, signal }: Question, ms: number, stopped: AbortSignal): Promise<Uint8Array | undefined> {
  return withTimeout(ms, stopped, (ended) => unlessAborted(Promise.resolve(renew?.()), ended, signal))
}
