import { backoffMs, delay, isRetriable } from './backoff.ts'
import type { Limits } from './limits.ts'
import type { Question } from './outbound-call.ts'

/** Asks again after a failure of the link or for want of room, within one deadline, under one key, and not once `stopped`. */
export async function withRetries<T>(
  question: Question,
  limits: Pick<Limits, 'retries' | 'retryBaseMs' | 'retryMaxMs'>,
  stopped: AbortSignal,
  once: (question: Question) => Promise<T>,
): Promise<T> {
  const endMs = performance.now() + question.deadlineMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await once({ ...question, deadlineMs: Math.max(1, endMs - performance.now()) })
    } catch (err) {
      if (attempt >= limits.retries || !isRetriable(err)) throw err
      const ms = backoffMs(attempt, limits.retryBaseMs, limits.retryMaxMs, err.retryAfterMs)
      // There would be no time left for an answer.
      if (performance.now() + ms >= endMs) throw err
      await delay(ms, question.signal, stopped)
    }
  }
}
