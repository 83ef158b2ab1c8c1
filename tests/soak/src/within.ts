import { TimeoutError } from '@libp2p/interface'

/** Runs `task` with a signal that aborts after `ms`. Unlike with `AbortSignal.timeout`, no timer is left behind. */
export async function within<T>(ms: number, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new TimeoutError(`not done within ${ms} ms`)), ms)
  try {
    return await task(deadline.signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Settles as `promise` does, or rejects with `late` after `ms`: for what may not end at all. */
export async function orLate<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(late()), ms)
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
  }
}
