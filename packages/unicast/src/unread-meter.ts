/** Something with bytes that wait to be sent: a channel. */
export interface ByteQueue {
  readonly queuedBytes: number
}

/**
 * Sums the bytes that wait on all channels. What a channel was last seen to hold may be less by now, since nobody tells
 * of each byte that leaves: before anything is refused all are looked at again.
 */
export class UnreadMeter {
  readonly limit: number
  readonly #seen = new Map<ByteQueue, number>()
  #total = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Whether `bytes` more may be queued somewhere. */
  hasRoom(bytes: number): boolean {
    if (this.#total + bytes <= this.limit) return true
    for (const queue of this.#seen.keys()) this.note(queue)
    return this.#total + bytes <= this.limit
  }

  /** Looks at a channel. One that holds nothing is not remembered. */
  note(queue: ByteQueue): void {
    const { queuedBytes } = queue
    this.#total += queuedBytes - (this.#seen.get(queue) ?? 0)
    if (queuedBytes > 0) this.#seen.set(queue, queuedBytes)
    else this.#seen.delete(queue)
  }

  /** Forgets a channel that is closed. */
  forget(queue: ByteQueue): void {
    this.#total -= this.#seen.get(queue) ?? 0
    this.#seen.delete(queue)
  }
}
