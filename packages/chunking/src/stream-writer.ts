import type { MessageStream } from '@libp2p/interface'
import { MESSAGES_PER_WRITE } from './constants.ts'
import type { SendQueue } from './send-queue.ts'
import { toError } from './to-error.ts'

/** Writes what a queue holds to a stream: what comes in one run of microtasks together, and no more than it takes. */
export class StreamWriter {
  readonly #stream: MessageStream
  readonly #queue: SendQueue
  readonly #onWritten: (error?: Error) => void
  #isDue = false
  #isStopped = false
  /** Messages since the last write. */
  #messages = 0
  #error: Error | undefined

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
    queueMicrotask(this.#turn)
  }

  /** As `schedule`, for a message. Of very many in one run, the first go at once: the peer can begin with them. */
  scheduleMessage(): void {
    this.schedule()
    this.#messages += 1
    // What the write sets off, such as messages that are let in again, waits for the turn: we are within a call.
    if (this.#messages >= MESSAGES_PER_WRITE && !this.#isStopped) this.#write()
  }

  readonly #turn = (): void => {
    this.#isDue = false
    if (this.#isStopped) return
    this.#write()
    this.#onWritten(this.#error)
  }

  #write(): void {
    this.#messages = 0
    try {
      while (this.#error == null && !this.#stream.writableNeedsDrain) {
        const batch = this.#queue.nextBatch()
        if (batch == null) break
        this.#stream.send(batch)
      }
    } catch (err) {
      // A stream that was reset meanwhile throws here, in a microtask, where nobody else would catch it.
      this.#error = toError(err)
    }
  }
}
