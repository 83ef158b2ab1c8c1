import { FrameChannel, IdTable, MessageAbortedError, type MessageRefusedError } from '@gridmesh/chunking'
import { HandshakeRejectedError, QueueFullError, type Lane } from '@gridmesh/interfaces'
import { NotStartedError, type Stream } from '@libp2p/interface'
import { ITEM_OVERHEAD_BYTES, LATE_SLACK_BYTES, MAX_HEADER_BYTES } from './constants.ts'
import { blame, channelLimits, type Core, type Remote } from './core.ts'
import { LinkLostError, MalformedMessageError, UnreachableError } from './errors.ts'
import type { OutboundCall } from './outbound-call.ts'
import { fromWireError } from './remote-errors.ts'
import type { SharedBudget } from './shared-budget.ts'
import { toError } from './timeout.ts'
import { decode, TYPE } from './wire.ts'

/** What keeps a stream from being opened and is told as it is: there is no use in trying again. */
const TOLD: ReadonlySet<string> = new Set([HandshakeRejectedError.name, NotStartedError.name])

/** The stream on which we ask one peer in one lane: opened when it is needed, and again when it was lost. */
export class OutboundSession {
  readonly lane: Lane
  readonly #core: Core
  readonly #remote: Remote
  readonly #open: () => Promise<Stream>
  readonly #onIdle: () => void
  /** Sent, or about to be, by id. */
  readonly #pending = new IdTable<OutboundCall>()
  /** Wait for the stream, or for room on it. */
  #waiting: OutboundCall[] = []
  #channel: FrameChannel | undefined
  #isOpening = false
  #isPumping = false
  #nextId = 0
  /** What may still come for calls that are over, in bytes: it was under way when they ended. */
  #lateBytes = 0
  /** The call that is being answered. */
  #answered: OutboundCall | undefined
  /** Why the far side does not serve the stream. */
  #refusal: Error | undefined
  /** A call went out on the stream. */
  #isUsed = false

  /** `open` gives a new stream; `onIdle` is called when the session holds neither a stream nor a call. */
  constructor(core: Core, remote: Remote, lane: Lane, open: () => Promise<Stream>, onIdle: () => void) {
    this.#core = core
    this.#remote = remote
    this.lane = lane
    this.#open = open
    this.#onIdle = onIdle
  }

  /** Bounds the answers to streamed calls that were not taken. */
  get heldBudget(): SharedBudget {
    return this.#remote.heldBudget(this.lane)
  }

  /** Largest message that can come, in bytes. */
  get maxMessageBytes(): number {
    return this.#core.limits.maxMessageBytes + MAX_HEADER_BYTES
  }

  /** Waits until the far side takes a message of so many bytes; absent where nothing holds us back. */
  get pace(): ((bytes: number, signal?: AbortSignal) => Promise<void>) | undefined {
    const { rateLimiter } = this.#core.siblings
    if (rateLimiter == null) return undefined
    const { lane } = this
    return (bytes, signal) =>
      rateLimiter.whenAllowed(this.#remote.peer, { messages: 1, bytes }, signal == null ? { lane } : { lane, signal })
  }

  /** Whether there is nothing to lose by forgetting the session. */
  get isIdle(): boolean {
    return this.#channel == null && !this.#isOpening && this.#waiting.length === 0 && this.#pending.size === 0
  }

  /** Sends a call now or as soon as it may go. @throws {QueueFullError} when too many wait */
  submit(call: OutboundCall): void {
    this.#count(call)
    if (this.#channel != null && this.#waiting.length === 0 && this.#hasRoom) {
      this.#admit(call)
      return
    }
    const { maxWaiting } = this.#core.limits
    if (this.#waiting.length >= maxWaiting) this.#waiting = this.#waiting.filter((each) => !each.isOver)
    if (this.#waiting.length >= maxWaiting) throw new QueueFullError('maxWaiting', maxWaiting, this.lane)
    this.#waiting.push(call)
    this.#pump()
  }

  /** Bytes of an open call were sent beside its question. */
  count(bytes: number): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, 'out', bytes)
  }

  /** Sends a signal as soon as the far side takes it; where it does not, its own deadlines have to do. */
  signal(channel: FrameChannel, message: Uint8Array): void {
    this.#sendSignal(channel, message).catch((err: unknown) =>
      this.#core.log.trace('could not send a signal - %e', err),
    )
  }

  /** A call is over, one way or another. */
  remove(call: OutboundCall): void {
    this.#uncount(call)
    if (this.#pending.delete(call.id) && call.isTransmitted) {
      const isAnswered = call === this.#answered && call.isSingle
      this.#lateBytes += LATE_SLACK_BYTES + (isAnswered ? 0 : call.lateBytes)
    }
    if (this.#waiting.length > 0) this.#pump()
    else if (this.isIdle) this.#onIdle()
  }

  /** Ends the stream and every call at once. */
  abort(error: Error): void {
    this.#failAll(error)
    this.#channel?.abort(error)
  }

  async #sendSignal(channel: FrameChannel, message: Uint8Array): Promise<void> {
    await this.pace?.(message.byteLength)
    if (channel.isOpen) channel.enqueue(message, { lane: this.lane })
  }

  #pump(): void {
    if (this.#channel == null) {
      if (!this.#isOpening && this.#waiting.length > 0) this.#openSoon()
      return
    }
    // A call that fails as it is sent comes back here.
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#channel != null && this.#waiting.length > 0 && this.#hasRoom) {
      const call = this.#waiting.shift()
      if (call?.isOver === false) this.#admit(call)
    }
    this.#isPumping = false
  }

  get #hasRoom(): boolean {
    return this.#pending.size < this.#core.limits.maxInFlight
  }

  #admit(call: OutboundCall): void {
    call.id = this.#nextId++
    this.#pending.set(call.id, call)
    const { pace } = this
    if (pace == null) {
      this.#transmit(call)
      return
    }
    pace(call.size, call.signal()).then(
      () => this.#transmit(call),
      (err: unknown) => call.fail(toError(err)),
    )
  }

  #transmit(call: OutboundCall): void {
    if (call.isOver) return
    if (this.#channel?.isOpen !== true) {
      call.fail(new LinkLostError())
      return
    }
    try {
      this.count(call.transmit(this.#channel))
      this.#isUsed = true
    } catch (err) {
      call.fail(toError(err))
    }
  }

  #openSoon(): void {
    this.#isOpening = true
    this.#open().then(
      (stream) => this.#onStream(stream),
      (err: unknown) => {
        this.#isOpening = false
        const isTold = err instanceof Error && TOLD.has(err.name)
        this.#failWaiting(isTold ? err : new UnreachableError({ cause: err }))
        this.#onIdle()
      },
    )
  }

  #onStream(stream: Stream): void {
    this.#isOpening = false
    this.#lateBytes = 0
    this.#refusal = undefined
    this.#isUsed = false
    const channel = new FrameChannel(stream, {
      ...channelLimits(this.#core, this.#remote, this.lane, 'answers'),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => this.#onAnswerLost(error),
      // Nothing is answered on it any more.
      onEnd: () => channel.abort(new LinkLostError()),
      onClose: (error) => this.#onChannelClose(error),
    })
    this.#channel = channel
    channel.start()
    this.#pump()
  }

  #onMessage(bytes: Uint8Array): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, 'in', bytes.byteLength)
    const message = decode(bytes)
    if (message.type === TYPE.refusal) {
      this.#refusal = fromWireError(message, '')
      return
    }
    if (message.type < TYPE.response || message.type === TYPE.cancel) {
      throw new MalformedMessageError('A question on a stream for answers')
    }
    if (message.id >= this.#nextId)
      throw new MalformedMessageError(`An answer to call ${message.id}, which was not made`)
    const call = this.#pending.get(message.id)
    if (call == null) {
      this.#takeLate(bytes.byteLength)
      return
    }
    if (!call.isTransmitted) throw new MalformedMessageError(`An answer to call ${message.id}, which was not sent yet`)
    this.#answered = call
    call.receive(message)
    this.#answered = undefined
  }

  /**
   * An answer will not come whole. We asked for it, and whoever gave it knows nothing of our bounds: nobody is blamed.
   * It is told of the refusal, and answers with an error instead; an item of a stream may have its end behind it.
   * What it gave up itself is of a call that is over, or to which it answers with an error.
   */
  #onAnswerLost(error: MessageRefusedError | MessageAbortedError): void {
    this.#core.log.trace('lost an answer of %p - %e', this.#remote.peer, error)
    if (error instanceof MessageAbortedError) return
    for (const [, call] of this.#pending.entries()) call.onAnswerLost(error)
  }

  /** A call that is not pending is over, and what comes for it is late. There is only so much of that. */
  #takeLate(bytes: number): void {
    this.#lateBytes -= bytes + ITEM_OVERHEAD_BYTES
    if (this.#lateBytes < 0) throw new MalformedMessageError('More answers to calls that are over than were under way')
  }

  #count(call: OutboundCall): void {
    const { asked } = this.#core.budgets(this.lane)
    if (!asked.tryTake(call.size)) throw new QueueFullError('maxAskedBytes', asked.limit, this.lane)
    call.isCounted = true
  }

  #uncount(call: OutboundCall): void {
    if (!call.isCounted) return
    call.isCounted = false
    this.#core.budgets(this.lane).asked.release(call.size)
  }

  #onChannelClose(error?: Error): void {
    this.#channel = undefined
    const reportClass = blame(error)
    if (error != null && reportClass != null) {
      this.#core.log('lost a stream to %p - %e', this.#remote.peer, error)
      this.#remote.reporter.report(reportClass, error.message)
    }
    const lost = this.#refusal ?? new LinkLostError({ cause: error })
    for (const [, call] of this.#pending.entries()) call.fail(lost)
    this.#pending.clear()
    // A far side that ends every stream before it took a call would have us open them without end.
    if (!this.#isUsed) this.#failWaiting(this.#refusal ?? new UnreachableError({ cause: error }))
    this.#pump()
    this.#onIdle()
  }

  #failAll(error: Error): void {
    this.#failWaiting(error)
    for (const [, call] of this.#pending.entries()) call.fail(error)
    this.#pending.clear()
  }

  #failWaiting(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) call.fail(error)
  }
}
