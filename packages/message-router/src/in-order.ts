import type { MaybePromise } from '@gridmesh/interfaces'
import { isPending } from './maybe.ts'

/**
 * Lets values pass in the order they came, under each key, though they may be ready in another. Where nothing is
 * waited for it stays synchronous.
 */
export class InOrder {
  readonly #last = new Map<string, { passed: Promise<unknown> }>()

  /** Keys under which something is waited for. */
  get size(): number {
    return this.#last.size
  }

  pass<T>(key: string, value: MaybePromise<T>): MaybePromise<T> {
    const before = this.#last.get(key)
    if (before == null && !isPending(value)) return value

    const passed = after(before?.passed, value)
    const place = { passed }
    this.#last.set(key, place)
    void this.#leave(key, place)
    return passed
  }

  async #leave(key: string, place: { passed: Promise<unknown> }): Promise<void> {
    await Promise.allSettled([place.passed])
    if (this.#last.get(key) === place) this.#last.delete(key)
  }
}

async function after<T>(before: Promise<unknown> | undefined, value: MaybePromise<T>): Promise<T> {
  // Together, so that a value which fails while it waits is not an unhandled rejection.
  const [settled] = await Promise.allSettled([value, before])
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}
