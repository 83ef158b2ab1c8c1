import {
  type AbortOptions,
  type Logger,
  type MessageStream,
  StreamBufferError,
  type StreamCloseEvent,
  type StreamMessageEvent,
  StreamStateError,
} from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { CipherState } from './cipher-state.ts'
import { MAX_UNHEEDED_WRITES } from './constants.ts'
import { NoiseFrameError } from './errors.ts'
import { FrameOpener } from './frame-opener.ts'
import type { NoiseMetrics } from './metrics.ts'
import { frameCount, sealFrames } from './seal-frames.ts'

/**
 * Bytes from which on nothing waits for the end of the turn. Of many small requests the other side is to begin with the
 * first while the rest is made; what is held is what costs little but its write.
 */
const MAX_HELD_BYTES = 2_048
/** Received bytes from which on what is said to them does not wait: reads of that size are of a transfer under way. */
const BULK_BYTES = 16_384

export interface SecureStreamInit {
  connection: MessageStream
  send: CipherState
  receive: CipherState
  maxBatchBytes: number
  log: Logger
  metrics: NoiseMetrics | undefined
}

/** A connection whose bytes are encrypted by another. Closing, aborting and pausing one does so to the other. */
export class SecureStream extends AbstractMessageStream {
  readonly #connection: MessageStream
  readonly #send: CipherState
  readonly #receive: CipherState
  readonly #opener: FrameOpener
  readonly #metrics: NoiseMetrics | undefined
  readonly #maxHeldBytes: number
  #flushing: ReturnType<typeof setImmediate> | undefined
  /** Writes to a full connection since it last had nothing to send. */
  #unheeded = 0

  constructor({ connection, send, receive, maxBatchBytes, log, metrics }: SecureStreamInit) {
    const { inactivityTimeout, maxReadBufferLength, direction } = connection
    super({ log, inactivityTimeout, maxReadBufferLength, direction, maxMessageSize: maxBatchBytes })
    this.#connection = connection
    this.#send = send
    this.#receive = receive
    this.#opener = new FrameOpener(receive)
    this.#metrics = metrics
    this.#maxHeldBytes = Math.min(maxBatchBytes, MAX_HELD_BYTES)
    connection.addEventListener('close', this.#onClose)
    connection.addEventListener('drain', this.#onDrain)
    connection.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    // The last, since it sets free what the connection has buffered.
    connection.addEventListener('message', this.#onMessage)
  }

  /**
   * Takes bytes, to be sent at the end of this turn of the event loop with all others of it: what a turn says to one peer
   * is one encryption and one write. From 2 KiB on it goes at once. Ends the connection where it has been full for
   * thousands of writes.
   *
   * @throws {StreamStateError} once it is closed
   */
  override send(data: Uint8Array | Uint8ArrayList): boolean {
    const isWritable = this.writeStatus === 'writable'
    const isRoom = isWritable && !this.writableNeedsDrain
    if (this.writeBuffer.byteLength === 0) this.#unheeded = 0
    if (isWritable && !isRoom && !this.#mayWait()) return false
    if (!isRoom || this.writeBuffer.byteLength + data.byteLength >= this.#maxHeldBytes) return super.send(data)
    this.writeBuffer.append(data)
    this.#flushing ??= setImmediate(this.#flush)
    return true
  }

  override abort(err: Error): void {
    // As if it had been sent at once.
    this.#flush()
    super.abort(err)
  }

  /** Encrypts a whole batch, and hands it over in one go. */
  sendData(data: Uint8ArrayList): SendResult {
    // The connection may take the list apart.
    const sentBytes = data.byteLength
    const canSendMore = this.#connection.send(sealFrames(this.#send, data))
    this.#metrics?.encryptedFrames.increment(frameCount(sentBytes))
    return { sentBytes, canSendMore }
  }

  sendReset(err: Error): void {
    this.#release()
    this.#connection.abort(err)
  }

  sendPause(): void {
    if (this.#connection.status === 'open') this.#connection.pause()
  }

  sendResume(): void {
    if (this.#connection.status === 'open') this.#connection.resume()
  }

  /** Sends what is still to be sent, then closes the connection, or its writable half where it has halves. */
  async close(options?: AbortOptions): Promise<void> {
    if (this.writeStatus !== 'writable') return
    this.#flush()
    this.writeStatus = 'closing'
    if (this.writeBuffer.byteLength > 0) await this.#allSent(options?.signal)
    await this.#connection.close(options)
    // Where only one half closes, the other side may still send.
    this.writeStatus = 'closed'
  }

  /** Resolves at the next `idle`. The `onDrain` of the base class is settled for good by the first drain. */
  async #allSent(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onIdle = (): void => {
      // An abort throws away what is queued, which is idle too; then `close` follows.
      if (this.status === 'open') resolve()
    }
    const onClose = ({ error }: StreamCloseEvent): void => {
      reject(error ?? new StreamStateError('The connection closed before all was sent'))
    }
    const onAbort = (): void => reject(signal?.reason)
    this.addEventListener('idle', onIdle)
    this.addEventListener('close', onClose)
    signal?.addEventListener('abort', onAbort)
    try {
      await promise
    } finally {
      this.removeEventListener('idle', onIdle)
      this.removeEventListener('close', onClose)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Whether another write may wait for room; ends the connection where it may not. A muxer answers pings, and refuses
   * streams, whether there is room or not: a peer that causes that and reads nothing would have it pile up without end.
   */
  #mayWait(): boolean {
    this.#unheeded += 1
    if (this.#unheeded <= MAX_UNHEEDED_WRITES) return true
    this.abort(new StreamBufferError(`${MAX_UNHEEDED_WRITES} writes wait for a peer that does not read them`))
    return false
  }

  readonly #flush = (): void => {
    if (this.#flushing === undefined) return
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    try {
      this.processSendQueue()
    } catch (err) {
      // It is aborted by then, which is how everybody hears of it.
      this.log('could not send - %e', err)
    }
  }

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    const { plaintext, frames, error } = this.#opener.open(data)
    if (frames > 0) this.#metrics?.decryptedFrames.increment(frames)
    // Everything before a bad message is genuine.
    this.onData(plaintext)
    // In the middle of much that comes, the other side may stop for want of the window updates that are held.
    if (data.byteLength >= BULK_BYTES) this.#flush()
    if (error === undefined) return
    this.#metrics?.badFrames.increment()
    this.abort(error)
  }

  readonly #onClose = ({ error, local }: StreamCloseEvent): void => {
    // A closing side may well cut the other off in the middle of a message.
    const isCutOff = this.#opener.isInsideFrame && this.writeStatus === 'writable'
    this.#release()
    if (error !== undefined && local !== true) this.onRemoteReset()
    else if (error !== undefined) this.abort(error)
    else if (isCutOff) this.abort(cutOff())
    else this.onTransportClosed()
  }

  readonly #onDrain = (): void => {
    this.safeDispatchEvent('drain')
  }

  readonly #onRemoteCloseWrite = (): void => {
    if (this.#opener.isInsideFrame) this.abort(cutOff())
    else this.onRemoteCloseWrite()
  }

  /** Lets go of the connection and overwrites the keys. */
  #release(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    this.#connection.removeEventListener('close', this.#onClose)
    this.#connection.removeEventListener('drain', this.#onDrain)
    this.#connection.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#connection.removeEventListener('message', this.#onMessage)
    this.#send.wipe()
    this.#receive.wipe()
  }
}

function cutOff(): NoiseFrameError {
  return new NoiseFrameError('truncated', 'the connection ended inside a message')
}
