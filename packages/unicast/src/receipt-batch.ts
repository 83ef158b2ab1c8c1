import { MAX_HELD_RECEIPTS } from './constants.ts'

/** Receipts of one stream that wait to be sent together. */
export class ReceiptBatch {
  readonly #send: (ids: readonly number[]) => void
  #ids: number[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueMs = Number.POSITIVE_INFINITY

  /** `send` is given the calls, in the order in which their handlers were done. */
  constructor(send: (ids: readonly number[]) => void) {
    this.#send = send
  }

  /** Has the receipt of a call sent in `delayMs` at the latest. */
  add(id: number, delayMs: number): void {
    this.#ids.push(id)
    const dueMs = performance.now() + delayMs
    if (this.#ids.length >= MAX_HELD_RECEIPTS) this.flush()
    else if (dueMs < this.#dueMs) this.#wakeAt(dueMs, delayMs)
  }

  /** Sends what waits. */
  flush(): void {
    const ids = this.#ids
    this.clear()
    if (ids.length > 0) this.#send(ids)
  }

  /** Forgets what waits. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#ids = []
  }

  #wakeAt(dueMs: number, delayMs: number): void {
    clearTimeout(this.#timer)
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => this.flush(), delayMs)
  }
}
