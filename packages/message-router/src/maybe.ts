import type { MaybePromise } from '@gridmesh/interfaces'

/** Whether `value` is still to come. */
export function isPending<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise
}

/**
 * Goes on with `ok` after `attempt`, or with `fail` after an error of either: at once where `attempt` is synchronous,
 * so that a synchronous signer makes for a synchronous verdict.
 */
export function settle<T, R>(
  attempt: () => MaybePromise<T>,
  ok: (value: T) => R,
  fail: (err: unknown) => R,
): MaybePromise<R> {
  try {
    const value = attempt()
    return isPending(value) ? value.then(ok).catch(fail) : ok(value)
  } catch (err) {
    return fail(err)
  }
}
