import { batchedBytes } from './wire.ts'

/** Limits of the batches. */
export interface BatcherInit {
  batchDelayMs: number
  maxBatchBytes: number
  maxBatchMessages: number
  maxPendingBatches: number
}

/** Sends what was gathered. `T` is what all messages of one batch have in common. */
export type Flush<T, R> = (shared: T, messages: Uint8Array[]) => Promise<R>

interface Entry {
  readonly bytes: Uint8Array
}

interface Batch<T, R> {
  readonly shared: T
  readonly entries: Set<Entry>
  readonly sent: PromiseWithResolvers<R>
  readonly timer: ReturnType<typeof setTimeout>
  bytes: number
}

/**
 * Gathers messages under a key for a moment, and sends those of one key as one. The order under a key is kept, and
 * every message ends in the one result of its batch, or in the abort of its own caller before it was sent.
 */
export class Batcher<T, R> {
  readonly #init: BatcherInit
  readonly #flush: Flush<T, R>
  readonly #batches = new Map<string, Batch<T, R>>()

  constructor(init: BatcherInit, flush: Flush<T, R>) {
    this.#init = init
    this.#flush = flush
  }

  /** Batches that are not sent yet. */
  get size(): number {
    return this.#batches.size
  }

  /** Adds one message, or sends it at once where it does not fit with any other. */
  add(key: string, shared: T, bytes: Uint8Array, signal?: AbortSignal): Promise<R> {
    const cost = batchedBytes(bytes)
    const pending = this.#batches.get(key)
    if (pending != null && pending.bytes + cost > this.#init.maxBatchBytes) this.#send(key)
    // What was waiting under the key has gone out, so this one cannot overtake it.
    if (cost > this.#init.maxBatchBytes) return this.#flush(shared, [bytes])

    const batch = this.#batches.get(key) ?? this.#open(key, shared)
    const result = this.#enter(batch, key, bytes, cost, signal)
    if (batch.entries.size >= this.#init.maxBatchMessages || batch.bytes >= this.#init.maxBatchBytes) this.#send(key)
    return result
  }

  /** Sends everything that waits. */
  flush(): void {
    for (const key of this.#batches.keys()) this.#send(key)
  }

  #open(key: string, shared: T): Batch<T, R> {
    if (this.#batches.size >= this.#init.maxPendingBatches) {
      const [oldest] = this.#batches.keys()
      if (oldest != null) this.#send(oldest)
    }
    const batch: Batch<T, R> = {
      shared,
      entries: new Set(),
      sent: Promise.withResolvers<R>(),
      timer: setTimeout(() => this.#send(key), this.#init.batchDelayMs),
      bytes: 0,
    }
    // Each caller has the result through its own promise; a batch that all have left must not fail unheard.
    batch.sent.promise.catch(() => {})
    this.#batches.set(key, batch)
    return batch
  }

  #enter(batch: Batch<T, R>, key: string, bytes: Uint8Array, cost: number, signal?: AbortSignal): Promise<R> {
    const entry: Entry = { bytes }
    batch.entries.add(entry)
    batch.bytes += cost
    if (signal == null) return batch.sent.promise
    return orAbort(batch.sent.promise, signal, () => {
      // Nothing to take back once the batch is sent: it has no entries then.
      if (!batch.entries.delete(entry)) return
      batch.bytes -= cost
      if (batch.entries.size === 0) this.#close(key, batch)
    })
  }

  #send(key: string): void {
    const batch = this.#batches.get(key)
    if (batch == null) return
    this.#close(key, batch)
    const messages = [...batch.entries].map(({ bytes }) => bytes)
    // From here on a caller who aborts stops waiting, and its message is out.
    batch.entries.clear()
    this.#flush(batch.shared, messages).then(batch.sent.resolve, batch.sent.reject)
  }

  #close(key: string, batch: Batch<T, R>): void {
    clearTimeout(batch.timer)
    this.#batches.delete(key)
  }
}

/** As `result`, unless `signal` aborts before. */
async function orAbort<R>(result: Promise<R>, signal: AbortSignal, onAbort: () => void): Promise<R> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => {
    onAbort()
    aborted.reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([result, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
