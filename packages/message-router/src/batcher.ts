import { batchedBytes } from './wire.ts'

/** Limits of the batches. */
export interface BatcherInit {
  batchDelayMs: number
  maxBatchHoldMs: number
  maxBatchBytes: number
  maxBatchMessages: number
  maxPendingBatches: number
}

/** A batch that was sent. */
export interface Flight<R> {
  /** What its messages came to, for their callers. */
  readonly sent: Promise<R>
  /** Settles once it has come through, as far as it can be told; until then the next one of its key is held. */
  readonly landed: Promise<unknown>
  /** Time that the next one of its key is held at least, in ms. @default 0 */
  readonly paceMs?: number
}

/** Sends what was gathered. `T` is what all messages of one batch have in common. */
export type Flush<T, R> = (shared: T, messages: Uint8Array[]) => Flight<R>

interface Entry {
  readonly bytes: Uint8Array
}

interface Batch<T, R> {
  readonly shared: T
  readonly entries: Set<Entry>
  readonly sent: PromiseWithResolvers<R>
  timer: ReturnType<typeof setTimeout>
  /** Whether `batchDelayMs` have passed. */
  isDue: boolean
  bytes: number
}

/** The newest flight of a key. */
interface Hold {
  endsAtMs: number
}

/**
 * Gathers messages under a key for a moment, and sends those of one key as one. While a batch of a key is in flight the
 * next one is held, so that batches grow with the load in the place of their number. The order under a key is kept, and
 * every message ends in the one result of its batch, or in the abort of its own caller before it was sent.
 */
export class Batcher<T, R> {
  readonly #init: BatcherInit
  readonly #flush: Flush<T, R>
  readonly #batches = new Map<string, Batch<T, R>>()
  /** By key, the oldest first. */
  readonly #holds = new Map<string, Hold>()

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
    if (cost > this.#init.maxBatchBytes) return this.#depart(key, shared, [bytes])

    const batch = this.#batches.get(key) ?? this.#open(key, shared)
    const result = this.#enter(batch, key, bytes, cost, signal)
    if (batch.entries.size >= this.#init.maxBatchMessages || batch.bytes >= this.#init.maxBatchBytes) this.#send(key)
    return result
  }

  /** Sends everything that waits, and holds nothing any more. */
  flush(): void {
    this.#holds.clear()
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
      timer: setTimeout(() => this.#due(key), this.#init.batchDelayMs),
      isDue: false,
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

  /** A batch has waited for others long enough: it goes, or waits for the one before it. */
  #due(key: string): void {
    const batch = this.#batches.get(key)
    if (batch == null) return
    const leftMs = (this.#holds.get(key)?.endsAtMs ?? 0) - performance.now()
    if (leftMs <= 0) {
      this.#send(key)
      return
    }
    batch.isDue = true
    batch.timer = setTimeout(() => this.#send(key), Math.ceil(leftMs))
  }

  #send(key: string): void {
    const batch = this.#batches.get(key)
    if (batch == null) return
    this.#close(key, batch)
    const messages = [...batch.entries].map(({ bytes }) => bytes)
    // From here on a caller who aborts stops waiting, and its message is out.
    batch.entries.clear()
    this.#depart(key, batch.shared, messages).then(batch.sent.resolve, batch.sent.reject)
  }

  #depart(key: string, shared: T, messages: Uint8Array[]): Promise<R> {
    const { maxBatchHoldMs, maxPendingBatches } = this.#init
    const { sent, landed, paceMs = 0 } = this.#flush(shared, messages)
    const now = performance.now()
    const hold: Hold = { endsAtMs: now + Math.max(maxBatchHoldMs, paceMs) }
    // Set anew, so that the map stays in order of departure.
    this.#holds.delete(key)
    const [oldest] = this.#holds.keys()
    if (oldest != null && this.#holds.size >= maxPendingBatches) this.#release(oldest)
    this.#holds.set(key, hold)
    const onLanded = (): void => {
      if (this.#holds.get(key) === hold) this.#shorten(key, hold, now + paceMs)
    }
    landed.then(onLanded, onLanded)
    return sent
  }

  /** Holds the batch of a key until a time, which may be over. */
  #shorten(key: string, hold: Hold, endsAtMs: number): void {
    if (endsAtMs <= performance.now()) {
      this.#release(key)
      return
    }
    hold.endsAtMs = endsAtMs
    const batch = this.#batches.get(key)
    if (batch?.isDue !== true) return
    clearTimeout(batch.timer)
    this.#due(key)
  }

  #release(key: string): void {
    this.#holds.delete(key)
    if (this.#batches.get(key)?.isDue === true) this.#send(key)
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
