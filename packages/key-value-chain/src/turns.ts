import { QueueFullError } from '@gridmesh/interfaces'
import { ChainClosedError } from './errors.ts'

interface Waiting {
  readonly start: () => Promise<void>
  readonly refuse: (reason: unknown) => void
}

/** Does one thing after the other, in the order in which they came, so that nobody sees half of a move. */
export class Turns {
  readonly #maxQueued: number
  readonly #waiting = new Set<Waiting>()
  #draining: Promise<void> | undefined
  #isClosed = false

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Runs a task in its turn. An abort counts while it waits. @throws {QueueFullError} @throws {ChainClosedError} */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new ChainClosedError()
    if (this.#waiting.size >= this.#maxQueued) throw new QueueFullError('maxQueued', this.#maxQueued)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiting: Waiting = { start: async () => task().then(resolve, reject), refuse: reject }
    const onAbort = (): void => {
      if (this.#waiting.delete(waiting)) reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(waiting)
    this.#draining ??= this.#drain()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Refuses what waits and whatever comes; resolves when the one under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { refuse } of this.#waiting) refuse(new ChainClosedError())
    this.#waiting.clear()
    await this.#draining
  }

  async #drain(): Promise<void> {
    // So that what is added in the same moment may still be aborted.
    await Promise.resolve()
    // A set that grows while it is walked: what is added is walked too.
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      await waiting.start()
    }
    this.#draining = undefined
  }
}
