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

/** Goes on with `step` as soon as `value` is there: at once where it is. */
export function after<T, R>(value: MaybePromise<T>, step: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPending(value) ? value.then(step) : step(value)
}

/** All of them, in order: at once where none is still to come. */
export function all<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.every(isHere) ? values : Promise.all(values)
}

function isHere<T>(value: MaybePromise<T>): value is T {
  return !isPending(value)
}
