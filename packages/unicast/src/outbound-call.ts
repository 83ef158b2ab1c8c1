import type { FrameChannel, OutgoingMessage } from '@gridmesh/chunking'
import type { UnicastOptions } from '@gridmesh/interfaces'
import { AbortError, type AbortOptions, TimeoutError } from '@libp2p/interface'
import { REFUSABLE_BYTES } from './constants.ts'
import type { OutboundSession } from './outbound-session.ts'
import type { OutboundStream } from './outbound-stream.ts'
import { abortReason, toError } from './timeout.ts'
import { encodeCall, encodeSignal, TYPE, type CallMessage, type WireMessage } from './wire.ts'

/** One for all calls: without a reason of its own, every abort would cost an exception with its stack. */
const OVER = new AbortError('The call is over')

/** What is asked, and how long the answer is waited for. */
export interface Question {
  type: CallMessage['type']
  name: string
  nameBytes: Uint8Array
  payload: Uint8Array
  key: Uint8Array | undefined
  deadlineMs: number
  signal: AbortOptions['signal'] | undefined
  /** Gives the bytes of the next attempt. */
  renew: UnicastOptions['renew']
}

/**
 * A call on its way. Exactly one thing ends it: an answer, an error, its deadline, or its signal. What comes after is
 * late and of no effect.
 */
export abstract class OutboundCall {
  /** Number on the wire; -1 until there is room for it on a stream. */
  id = -1
  /** The stream that it is on. */
  stream: OutboundStream | undefined
  isOver = false
  readonly size: number
  protected readonly question: Question
  protected readonly session: OutboundSession
  protected readonly startedMs = performance.now()
  protected channel: FrameChannel | undefined
  #message: OutgoingMessage | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #controller: AbortController | undefined

  constructor(session: OutboundSession, question: Question) {
    this.session = session
    this.question = question
    this.size = question.payload.byteLength
  }

  /** Whether one message answers it whole. */
  abstract readonly isSingle: boolean
  /** Its bytes count among those of calls that are not over. */
  isCounted = false

  /** Bytes that may still come for it once it is over without an answer. */
  get lateBytes(): number {
    return this.session.maxMessageBytes
  }

  /** Whether the question was given to a stream. */
  get isTransmitted(): boolean {
    return this.channel != null
  }

  /** Whether the whole question was handed to a stream. */
  get isSent(): boolean {
    return this.#message?.isOver === true
  }

  /** Begins to wait, and to be sent. */
  start(): void {
    const { signal, deadlineMs } = this.question
    if (signal?.aborted === true) {
      this.fail(abortReason(signal))
      return
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.watch(deadlineMs)
    try {
      this.session.submit(this)
    } catch (err) {
      this.fail(toError(err))
    }
  }

  /** A signal that aborts when the call is over. */
  signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Sends the question. Returns its bytes. */
  transmit(channel: FrameChannel): number {
    const { type, nameBytes, payload, key, deadlineMs } = this.question
    const left = Math.max(1, Math.ceil(this.startedMs + deadlineMs - performance.now()))
    const bytes = encodeCall(type, this.id, left, key, nameBytes, payload)
    const { lane } = this.session
    this.channel = channel
    this.#message = channel.enqueue(
      bytes,
      bytes.byteLength < REFUSABLE_BYTES ? { lane } : { lane, onRefused: (error) => this.fail(error) },
    )
    return bytes.byteLength
  }

  /** An answer came. */
  abstract receive(message: WireMessage): void

  /** An answer of the stream will not come whole, and which call it belongs to is not known. */
  onAnswerLost(_error: Error): void {}

  /** Ends the call with an error. */
  fail(error: Error): void {
    if (this.isOver) return
    this.end()
    this.onFailed(error)
  }

  protected abstract onFailed(error: Error): void

  /** The deadline passed. Returns the ms to wait on, if there is reason to. */
  protected onDeadline(): number {
    return 0
  }

  /** Nothing more is expected of the other side. */
  protected end(): void {
    this.isOver = true
    clearTimeout(this.#timer)
    this.question.signal?.removeEventListener('abort', this.#onAbort)
    this.#controller?.abort(OVER)
    this.session.remove(this)
  }

  protected watch(ms: number): void {
    this.#timer = setTimeout(() => {
      const more = this.onDeadline()
      if (more > 0) {
        this.watch(more)
        return
      }
      if (this.stream != null && this.isSent) this.session.onUnanswered(this.stream, this.startedMs)
      this.giveUp(new TimeoutError(`No answer within ${this.question.deadlineMs} ms`))
    }, ms)
  }

  /** Ends the call for a reason of our own: the other side is told, if it knows of it. */
  protected giveUp(error: Error): void {
    if (this.isOver) return
    this.fail(error)
    this.withdraw()
  }

  /** Tells the other side that nobody waits. */
  protected withdraw(): void {
    const channel = this.channel
    const message = this.#message
    if (channel?.isOpen !== true || message == null) return
    if (message.isOver) this.session.signal(channel, encodeSignal(TYPE.cancel, this.id))
    else channel.cancel(message)
  }

  readonly #onAbort = (): void => {
    const { signal } = this.question
    if (signal != null) this.giveUp(abortReason(signal))
  }
}
