import type { MaybePromise } from '@gridmesh/interfaces'

/** Says whether `value` is still to come. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Goes on with `value`: at once where it is there, else when it is. */
export function chain<T, U>(value: MaybePromise<T>, step: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(step) : step(value)
}
