import type { AbortOptions, MessageStream, StreamCloseEvent } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DEFAULT_MAX_READ_BUFFER_BYTES, STOOD_STILL_MS } from './constants.ts'
import { ChannelClosedError, type MessageAbortedError, MessageRefusedError, TruncatedError } from './errors.ts'
import { FrameDecoder } from './frame-decoder.ts'
import type { FrameChannelInit, SendOptions } from './index.ts'
import type { MessageOptions, OutgoingMessage } from './outgoing-message.ts'
import { Reassembler } from './reassembler.ts'
import { checkRange } from './send-limits.ts'
import { SendQueue } from './send-queue.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'
import { toError } from './to-error.ts'

const NO_OPTIONS: MessageOptions = {}

/** Carries messages over one stream, many at once. */
export class FrameChannel {
  readonly #stream: MessageStream
  readonly #init: FrameChannelInit
  readonly #maxReadBufferBytes: number
  readonly #queue: SendQueue
  readonly #reassembler: Reassembler
  readonly #decoder: FrameDecoder
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #written = Promise.withResolvers<void>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new'
  /** The peer ended its side. */
  #isEnded = false
  #isEndTold = false
  #isStreamClosed = false

  constructor(stream: MessageStream, init: FrameChannelInit) {
    const { maxReadBufferBytes = DEFAULT_MAX_READ_BUFFER_BYTES } = init
    // Of NaN the stream would make no bound at all.
    checkRange('maxReadBufferBytes', maxReadBufferBytes, 1, Infinity)
    this.#maxReadBufferBytes = maxReadBufferBytes
    this.#stream = stream
    this.#init = init
    this.#queue = new SendQueue(init)
    this.#reassembler = new Reassembler(
      {
        onMessage: (bytes) => this.#onMessage(bytes),
        onLost: (error, id) => this.#onLost(error, id),
        onRefused: (id, error) => this.#queue.refused(id, error),
      },
      init,
    )
    this.#decoder = new FrameDecoder(this.#reassembler, init.maxFrameBytes)
    this.#reader = new StreamReader(stream, this.#decoder, (error) => this.#onRead(error))
    this.#writer = new StreamWriter(stream, this.#queue, (error) => this.#onWritten(error))
  }

  /** Bytes queued and not handed to the stream; 64 more for each message. */
  get queuedBytes(): number {
    return this.#queue.queuedBytes
  }

  /** Incoming messages of which a part has come. */
  get partialMessages(): number {
    return this.#reassembler.partialMessages
  }

  /** Whether messages can be queued. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether the channel is over, in both directions. */
  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Begins to read and write. A stream that was paused is resumed. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'open'
    this.#stream.maxReadBufferLength = Math.max(this.#stream.maxReadBufferLength, this.#maxReadBufferBytes)
    this.#stream.addEventListener('close', this.#onStreamClose)
    this.#stream.addEventListener('end', this.#onStreamEnd)
    this.#writer.start()
    this.#reader.start()
    if (this.#stream.readableEnded) this.#onStreamEnd()
    if (this.#stream.status !== 'open') this.#finish(new ChannelClosedError())
  }

  /**
   * Queues a message, to be written with others at the end of the current run of microtasks, or once there are dozens.
   * Makes no promise: this is the fast way.
   *
   * @throws {MessageTooLargeError} when it is over `maxMessageBytes`
   * @throws {QueueFullError} when the queue is full
   * @throws {ChannelClosedError} when the channel is not open
   */
  enqueue(bytes: Uint8Array | Uint8ArrayList, options: MessageOptions = NO_OPTIONS): OutgoingMessage {
    if (this.#state !== 'open') throw new ChannelClosedError()
    const message = this.#queue.add(bytes, options)
    this.#writer.scheduleMessage()
    return message
  }

  /**
   * Gives a queued message up: the rest of it is not sent, and a receiver that has a part forgets it. One that reads
   * nothing, and could not be told, loses the channel.
   */
  cancel(message: OutgoingMessage): void {
    if (this.#state === 'closed') return
    this.#orFinish(() => this.#queue.cancel(message))
    this.#writer.schedule()
  }

  /**
   * Resolves when the whole message was handed to the stream.
   *
   * @throws {MessageTooLargeError} when it is over `maxMessageBytes`
   * @throws {QueueFullError} when the queue is full
   * @throws {MessageRefusedError} when the receiver gave it up meanwhile
   * @throws {ChannelClosedError} when the channel is not open, or closed meanwhile
   */
  async send(bytes: Uint8Array | Uint8ArrayList, options: SendOptions = {}): Promise<void> {
    const { signal, lane = 'normal' } = options
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const message = this.enqueue(bytes, { lane, onSettled: (error) => (error == null ? resolve() : reject(error)) })
    const onAbort = (): void => {
      reject(signal?.reason)
      this.cancel(message)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Delivers no more messages until `resume`. What comes meanwhile waits within the window of the stream. */
  pause(): void {
    if (this.#state !== 'closed') this.#reader.pause()
  }

  /** Goes on delivering messages. */
  resume(): void {
    if (this.#state === 'closed' || !this.#reader.isPaused) return
    // The time we did not read is not to be held against the sender.
    this.#reassembler.touch(performance.now())
    this.#reader.resume()
  }

  /**
   * Sends what is queued, then ends our side; the peer's messages are delivered until it ends its own.
   *
   * @throws {ChannelClosedError} when the stream is lost meanwhile
   */
  async close(options: AbortOptions = {}): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    const { signal } = options
    const onAbort = (): void => this.abort(signal?.reason instanceof Error ? signal.reason : new ChannelClosedError())
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      this.#writer.schedule()
      await this.#written.promise
      if (!this.isClosed) await this.#stream.close(options)
    } catch (err) {
      // libp2p rejects with the event where the stream is reset meanwhile.
      if (err instanceof Error) throw err
      throw new ChannelClosedError({ cause: err })
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.throwIfAborted()
  }

  /** Ends the channel at once and resets the stream. What was queued fails with a `ChannelClosedError`. */
  abort(error: Error): void {
    this.#finish(error)
  }

  #onMessage(bytes: Uint8Array): boolean {
    this.#init.onMessage(bytes)
    return !this.#reader.isPaused
  }

  #onLost(error: MessageRefusedError | MessageAbortedError, id: number): void {
    if (error instanceof MessageRefusedError) {
      this.#queue.refuse(id, error)
      this.#writer.schedule()
    }
    this.#init.onMessageLost?.(error)
  }

  #onRead(error?: Error): void {
    if (this.isClosed) return
    if (error != null) return this.#finish(error)
    if (this.#timer == null && this.#reassembler.partialMessages > 0) this.#expireIn(this.#reassembler.idleMs)
    this.#checkEnd()
  }

  #onWritten(error?: Error): void {
    if (error != null) {
      this.#finish(error)
      return
    }
    this.#orFinish(() => {
      this.#queue.settle()
      if (this.isClosed || !this.#queue.isEmpty) return
      if (this.#state === 'closing') this.#written.resolve()
      this.#init.onDrain?.()
    })
  }

  #expireIn(ms: number): void {
    const dueMs = performance.now() + ms
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const now = performance.now()
      if (this.#reader.isPaused || now - dueMs >= STOOD_STILL_MS) this.#reassembler.touch(now)
      this.#orFinish(() => {
        const next = this.#reassembler.expire(now)
        if (Number.isFinite(next) && !this.isClosed) this.#expireIn(next)
      })
    }, ms)
  }

  readonly #onStreamEnd = (): void => {
    this.#isEnded = true
    this.#orFinish(() => this.#checkEnd())
  }

  readonly #onStreamClose = (event: StreamCloseEvent): void => {
    this.#isStreamClosed = true
    if (event.error != null) {
      this.#finish(event.error)
      return
    }
    // What came before is still delivered, but nothing can be answered any more.
    this.#state = 'closing'
    this.#writer.stop()
    this.#written.resolve()
    this.#orFinish(() => {
      this.#queue.fail(new ChannelClosedError())
      // A consumer that reads on once its answers are gone would wait for ever.
      this.#init.onDrain?.()
      this.#checkEnd()
    })
  }

  /** Ends what the stream ended, as soon as the consumer has taken what came before. */
  #checkEnd(): void {
    if (this.isClosed || !this.#reader.isEmpty || !(this.#isEnded || this.#isStreamClosed)) return
    if (this.#decoder.isInFrame || this.#reassembler.partialMessages > 0) {
      this.#finish(new TruncatedError())
      return
    }
    if (this.#isStreamClosed) this.#finish()
    else if (!this.#isEndTold) {
      this.#isEndTold = true
      this.#init.onEnd?.()
    }
  }

  /** Takes a step whose error nobody would catch, in a timer, a microtask or a listener: it ends the channel. */
  #orFinish(step: () => void): void {
    try {
      step()
    } catch (err) {
      this.#finish(toError(err))
    }
  }

  #finish(error?: Error): void {
    if (this.isClosed) return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.#reader.stop()
    this.#writer.stop()
    this.#stream.removeEventListener('close', this.#onStreamClose)
    this.#stream.removeEventListener('end', this.#onStreamEnd)
    this.#reassembler.clear()
    if (error != null) this.#stream.abort(error)
    this.#orLog(() => this.#queue.fail(new ChannelClosedError({ cause: error })))
    this.#written.resolve()
    this.#orLog(() => this.#init.onClose?.(error))
  }

  /** Takes a last step. There is no channel left that its error could end. */
  #orLog(step: () => void): void {
    try {
      step()
    } catch (err) {
      this.#stream.log.error('a callback threw as the channel ended - %e', err)
    }
  }
}
