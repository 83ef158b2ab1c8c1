import type { MessageStream } from '@libp2p/interface'
import type { SendQueue } from './send-queue.ts'

/** Writes what a queue holds to a stream: once per run of microtasks, and no more than the stream takes. */
export class StreamWriter {
  readonly #stream: MessageStream
  readonly #queue: SendQueue
  readonly #onWritten: (error?: Error) => void
  #isDue = false
  #isStopped = false

  /** `onWritten` is called after each turn of writing, with the error where the stream refused. */
  constructor(stream: MessageStream, queue: SendQueue, onWritten: (error?: Error) => void) {
    this.#stream = stream
    this.#queue = queue
    this.#onWritten = onWritten
  }

  start(): void {
    this.#stream.addEventListener('drain', this.schedule)
  }

  stop(): void {
    this.#isStopped = true
    this.#stream.removeEventListener('drain', this.schedule)
  }

  /**
   * Writes at the end of the current run of microtasks. On `drain` too: the stream empties its own buffer in a
   * microtask that was queued before ours, and only then is its word on whether it takes more to be trusted.
   */
  readonly schedule = (): void => {
    if (this.#isDue || this.#isStopped) return
    this.#isDue = true
    queueMicrotask(this.#write)
  }

  readonly #write = (): void => {
    this.#isDue = false
    if (this.#isStopped) return
    try {
      while (!this.#stream.writableNeedsDrain) {
        const batch = this.#queue.nextBatch()
        if (batch == null) break
        this.#stream.send(batch)
      }
      this.#queue.settle()
      this.#onWritten()
    } catch (err) {
      // A stream that was reset meanwhile throws here, in a microtask, where nobody else would catch it.
      this.#onWritten(err instanceof Error ? err : new TypeError(`Not an error: ${String(err)}`))
    }
  }
}
