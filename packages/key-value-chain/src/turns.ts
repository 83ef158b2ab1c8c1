import { QueueFullError } from '@gridmesh/interfaces'
import { ChainClosedError } from './errors.ts'

/** Bounds of what waits; the one under way does not count. */
export interface TurnLimits {
  /** Blocks, and as many other calls beside. */
  readonly maxQueued: number
  /** Bytes of the blocks. */
  readonly maxQueuedBytes: number
}

interface Waiting {
  /** Of a block; `undefined` of any other call. */
  readonly bytes: number | undefined
  readonly start: () => Promise<void>
  readonly refuse: (reason: unknown) => void
}

/** Does one thing after the other, in the order in which they came, so that nobody sees half of a move. */
export class Turns {
  readonly #limits: TurnLimits
  readonly #waiting = new Set<Waiting>()
  #blocks = 0
  #bytes = 0
  #draining: Promise<void> | undefined
  #isClosed = false

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Bytes of the blocks that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** Runs a task in its turn. An abort counts while it waits. @throws {QueueFullError} @throws {ChainClosedError} */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run(undefined, task, signal)
  }

  /** The same with a block of so many bytes, for which there are places of its own: blocks come from strangers. */
  async runBlock<T>(bytes: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run(bytes, task, signal)
  }

  /** Refuses what waits and whatever comes; resolves when the one under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const waiting of this.#waiting) {
      this.#drop(waiting)
      waiting.refuse(new ChainClosedError())
    }
    await this.#draining
  }

  async #run<T>(bytes: number | undefined, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new ChainClosedError()
    if (this.#draining !== undefined) this.#checkRoom(bytes)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiting: Waiting = { bytes, start: async () => task().then(resolve, reject), refuse: reject }
    const onAbort = (): void => {
      if (this.#drop(waiting)) reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(waiting)
    if (bytes !== undefined) this.#count(1, bytes)
    this.#draining ??= this.#drain()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #drain(): Promise<void> {
    // So that what is added in the same moment may still be aborted.
    await Promise.resolve()
    // A set that grows while it is walked: what is added is walked too.
    for (const waiting of this.#waiting) {
      this.#drop(waiting)
      await waiting.start()
    }
    this.#draining = undefined
  }

  #checkRoom(bytes: number | undefined): void {
    const { maxQueued, maxQueuedBytes } = this.#limits
    const alike = bytes === undefined ? this.#waiting.size - this.#blocks : this.#blocks
    if (alike >= maxQueued) throw new QueueFullError('maxQueued', maxQueued)
    if (bytes !== undefined && this.#bytes + bytes > maxQueuedBytes) {
      throw new QueueFullError('maxQueuedBytes', maxQueuedBytes)
    }
  }

  #drop(waiting: Waiting): boolean {
    const isThere = this.#waiting.delete(waiting)
    if (isThere && waiting.bytes !== undefined) this.#count(-1, -waiting.bytes)
    return isThere
  }

  #count(blocks: number, bytes: number): void {
    this.#blocks += blocks
    this.#bytes += bytes
  }
}
