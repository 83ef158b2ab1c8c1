import { ChainStoppedError, ImportQueueFullError } from './errors.ts'

/** Bounds of what waits to be imported; the one under way does not count. */
export interface QueueLimits {
  readonly maxQueuedBlocks: number
  readonly maxQueuedBytes: number
}

interface Waiting {
  readonly bytes: number
  readonly start: () => Promise<void>
  readonly refuse: (reason: unknown) => void
  /** What can be done before its turn. */
  readonly prepare: (() => void) | undefined
}

/** Of those that wait, how many are prepared: two of any size, and more as long as they are small. */
export const AHEAD = { least: 2, most: 8, maxBytes: 1_000_000 } as const

/** Does one thing after the other, in the order in which they came. */
export class ImportQueue {
  readonly #limits: QueueLimits
  readonly #waiting = new Set<Waiting>()
  #bytes = 0
  #draining: Promise<void> | undefined
  #isClosed = false

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /**
   * Runs a task in its turn. An abort counts while it waits. It is prepared once, or more often, while it is among the next.
   *
   * @throws {ImportQueueFullError} @throws {ChainStoppedError} @throws the signal's reason
   */
  async run<T>(
    bytes: number,
    task: () => Promise<T>,
    { signal, prepare }: { signal?: AbortSignal | undefined; prepare?: () => void } = {},
  ): Promise<T> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new ChainStoppedError()
    if (this.#draining !== undefined) this.#checkRoom(bytes)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const start = async (): Promise<void> => task().then(resolve, reject)
    const waiting: Waiting = { bytes, start, refuse: reject, prepare }
    const onAbort = (): void => {
      if (this.#drop(waiting)) reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(waiting)
    this.#bytes += bytes
    if (this.#draining !== undefined && this.size <= AHEAD.most) this.#prepareNext()
    this.#draining ??= this.#drain()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Refuses what waits now. */
  refuseWaiting(): void {
    for (const waiting of this.#waiting) {
      this.#drop(waiting)
      waiting.refuse(new ChainStoppedError())
    }
  }

  /** Refuses what waits and whatever comes; resolves when the one under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.refuseWaiting()
    await this.#draining
  }

  async #drain(): Promise<void> {
    // A set that grows while it is walked: what is added is walked too.
    for (const waiting of this.#waiting) {
      this.#drop(waiting)
      const done = waiting.start()
      this.#prepareNext()
      await done
    }
    this.#draining = undefined
  }

  #prepareNext(): void {
    let [count, sum] = [0, 0]
    for (const { bytes, prepare } of this.#waiting) {
      count++
      sum += bytes
      if (count > AHEAD.least && (count > AHEAD.most || sum > AHEAD.maxBytes)) return
      prepare?.()
    }
  }

  #checkRoom(bytes: number): void {
    const { maxQueuedBlocks, maxQueuedBytes } = this.#limits
    const [count, sum] = [this.#waiting.size + 1, this.#bytes + bytes]
    if (count <= maxQueuedBlocks && sum <= maxQueuedBytes) return
    throw new ImportQueueFullError(count, sum, { maxCount: maxQueuedBlocks, maxBytes: maxQueuedBytes })
  }

  #drop(waiting: Waiting): boolean {
    const isThere = this.#waiting.delete(waiting)
    if (isThere) this.#bytes -= waiting.bytes
    return isThere
  }
}
