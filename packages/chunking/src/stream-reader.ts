import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'
import type { FrameDecoder } from './frame-decoder.ts'
import { toError } from './to-error.ts'

/** Feeds the bytes of a stream to a decoder, and stops the stream while the consumer is behind. */
export class StreamReader {
  readonly #stream: MessageStream
  readonly #decoder: FrameDecoder
  readonly #onRead: (error?: Error) => void
  /** What was received and not decoded. The stream stays paused until it is. */
  #held: Uint8Array[] = []
  #isReading = false
  #isResuming = false
  #isStreamPaused = true
  #isPaused = false

  /** `onRead` is called after each turn of reading, with the error where the bytes were not frames. */
  constructor(stream: MessageStream, decoder: FrameDecoder, onRead: (error?: Error) => void) {
    this.#stream = stream
    this.#decoder = decoder
    this.#onRead = onRead
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether everything received was decoded. */
  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#stream.readBufferLength === 0
  }

  start(): void {
    this.#stream.addEventListener('message', this.#onData)
    this.#followUp()
  }

  stop(): void {
    this.#stream.removeEventListener('message', this.#onData)
    this.#held = []
    this.#isPaused = true
  }

  pause(): void {
    this.#isPaused = true
    this.#followUp()
  }

  resume(): void {
    this.#isPaused = false
    this.#read()
  }

  readonly #onData = (event: StreamMessageEvent): void => {
    if (event.data instanceof Uint8Array) this.#held.push(event.data)
    else for (const bytes of event.data) this.#held.push(bytes)
    this.#read()
  }

  #read(): void {
    // A consumer may resume from within a message; the loop that delivered it then goes on by itself.
    if (this.#isReading) return
    this.#isReading = true
    try {
      this.#decode()
      this.#onRead()
    } catch (err) {
      this.#onRead(toError(err))
    } finally {
      this.#isReading = false
    }
    this.#followUp()
  }

  #decode(): void {
    let index = 0
    let at = 0
    for (let bytes = this.#held[0]; bytes != null && !this.#isPaused; bytes = this.#held[index]) {
      at = this.#decoder.decode(bytes, at)
      if (at < bytes.byteLength) continue
      index += 1
      at = 0
    }
    const rest = this.#held[index]
    if (rest == null) this.#held.length = 0
    else this.#held.splice(0, index)
    if (rest != null && at > 0) this.#held[0] = rest.subarray(at)
  }

  /** Brings the stream into the state the consumer wants. */
  #followUp(): void {
    const isWanted = !this.#isPaused && this.#held.length === 0
    // Resuming delivers at once what the stream holds, and only then opens its window again: a pause from within
    // that delivery would be overruled, so it waits until the stream is done.
    if (this.#isResuming || isWanted !== this.#isStreamPaused) return
    this.#isStreamPaused = !isWanted
    try {
      if (isWanted) this.#resumeStream()
      else this.#stream.pause()
    } catch {
      // The stream cannot be read any more: there is nothing to hold back.
    }
  }

  #resumeStream(): void {
    this.#isResuming = true
    try {
      this.#stream.resume()
    } finally {
      this.#isResuming = false
    }
    this.#followUp()
  }
}
