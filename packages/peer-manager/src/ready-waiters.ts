import type { ManagedPeer } from './record.ts'

/** One call that waits for a peer. */
export interface ReadyWaiter {
  readonly promise: Promise<ManagedPeer>
  /** Gives up waiting; the promise is left as it is. */
  cancel(): void
}

/** The calls that wait for peers to be ready. */
export class ReadyWaiters {
  readonly #waiting = new Map<string, Set<PromiseWithResolvers<ManagedPeer>>>()

  add(key: string): ReadyWaiter {
    const waiter = Promise.withResolvers<ManagedPeer>()
    const waiters = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiters.add(waiter))
    return { promise: waiter.promise, cancel: () => this.#remove(key, waiter) }
  }

  /** The peer is ready. */
  resolve(key: string, record: ManagedPeer): void {
    for (const waiter of this.#waiting.get(key) ?? []) waiter.resolve(record)
    this.#waiting.delete(key)
  }

  /** The peer will not be ready. */
  reject(key: string, err: Error): void {
    for (const waiter of this.#waiting.get(key) ?? []) waiter.reject(err)
    this.#waiting.delete(key)
  }

  #remove(key: string, waiter: PromiseWithResolvers<ManagedPeer>): void {
    const waiters = this.#waiting.get(key)
    if (waiters?.delete(waiter) === true && waiters.size === 0) this.#waiting.delete(key)
  }
}
