/** Bytes that wait to be sent to a peer, on one stream. */
export interface ByteQueue {
  /** Key of the peer. */
  readonly peer: string
  readonly queuedBytes: number
  /** Ends the stream, and lets go of the bytes. */
  abort(error: Error): void
}

/**
 * Sums the bytes that wait on all streams. What a stream was last seen to hold may be less by now, since nobody tells
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

  /** The largest queue of the peer with the most; undefined where none has more than `peer` would with `bytes` more. */
  toGiveWay(peer: string, bytes: number): ByteQueue | undefined {
    const held = new Map([[peer, bytes]])
    for (const [queue, size] of this.#seen) held.set(queue.peer, (held.get(queue.peer) ?? 0) + size)
    let [most, mostBytes] = [peer, held.get(peer) ?? 0]
    for (const [each, size] of held) if (size > mostBytes) [most, mostBytes] = [each, size]
    if (most === peer) return undefined
    let largest: ByteQueue | undefined
    for (const [queue, size] of this.#seen) {
      if (queue.peer === most && (largest == null || size > (this.#seen.get(largest) ?? 0))) largest = queue
    }
    return largest
  }

  /** Looks at a stream. One that holds nothing is not remembered. */
  note(queue: ByteQueue): void {
    const { queuedBytes } = queue
    this.#total += queuedBytes - (this.#seen.get(queue) ?? 0)
    if (queuedBytes > 0) this.#seen.set(queue, queuedBytes)
    else this.#seen.delete(queue)
  }

  /** Forgets a stream that is closed. */
  forget(queue: ByteQueue): void {
    this.#total -= this.#seen.get(queue) ?? 0
    this.#seen.delete(queue)
  }
}
