import { StoreClosedError, TooMuchPendingError } from './errors.ts'

/** Does one thing after the other, with a bound on the bytes of what waits or is under way. */
export class WriteQueue {
  readonly #maxPendingBytes: number
  #pendingBytes = 0
  #isClosed = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(maxPendingBytes: number) {
    this.#maxPendingBytes = maxPendingBytes
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Runs a task in its turn. An abort counts until the turn has come: what has begun is finished. */
  async run<T>(bytes: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#isClosed) throw new StoreClosedError()
    signal?.throwIfAborted()
    if (this.#pendingBytes + bytes > this.#maxPendingBytes) {
      throw new TooMuchPendingError(bytes, this.#pendingBytes, this.#maxPendingBytes)
    }
    this.#pendingBytes += bytes
    const turn = this.#last.then(() => {
      if (this.#isClosed) throw new StoreClosedError()
      signal?.throwIfAborted()
      return task()
    })
    const settled = turn.then(
      () => this.#settle(bytes),
      () => this.#settle(bytes),
    )
    this.#last = settled
    return await turn
  }

  /** Refuses what waits, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  #settle(bytes: number): void {
    this.#pendingBytes -= bytes
  }
}
