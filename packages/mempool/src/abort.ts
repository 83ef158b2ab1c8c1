/** As `promise`, unless `signal` aborts before. @throws the signal's reason */
export async function orAbort<V>(promise: Promise<V>, signal: AbortSignal | undefined): Promise<V> {
  signal?.throwIfAborted()
  if (signal === undefined) return promise
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
