import { FrameChannel, IdTable, MessageAbortedError, type MessageRefusedError } from '@gridmesh/chunking'
import type { Lane } from '@gridmesh/interfaces'
import type { Stream } from '@libp2p/interface'
import { ITEM_OVERHEAD_BYTES, LATE_SLACK_BYTES } from './constants.ts'
import { blame, channelLimits, type Core, type Remote } from './core.ts'
import { LinkLostError, MalformedMessageError } from './errors.ts'
import type { OutboundCall } from './outbound-call.ts'
import { fromWireError } from './remote-errors.ts'
import { toError } from './timeout.ts'
import { decode, TYPE } from './wire.ts'

/** Who asks on a stream. */
export interface StreamOwner {
  /** Waits until the far side takes a message of so many bytes; absent where nothing holds us back. */
  readonly pace: ((bytes: number, signal?: AbortSignal) => Promise<void>) | undefined
  /** Bytes of a call were sent. */
  count(bytes: number): void
  /** A call that was not sent has to go over another stream. */
  onReturned(call: OutboundCall): void
  /** The stream is over; the calls on it have yet to hear of it. */
  onClosed(stream: OutboundStream, error?: Error): void
}

/** One stream on which we ask a peer, and the calls on it. */
export class OutboundStream {
  readonly #core: Core
  readonly #remote: Remote
  readonly #lane: Lane
  readonly #owner: StreamOwner
  readonly #channel: FrameChannel
  /** Sent, or about to be, by id. */
  readonly #pending = new IdTable<OutboundCall>()
  #nextId = 0
  /** What may still come for calls that are over, in bytes: it was under way when they ended. */
  #lateBytes = 0
  /** The call that is being answered. */
  #answered: OutboundCall | undefined
  #heardMs = performance.now()
  #refusal: Error | undefined
  #isUsed = false
  #isRetired = false

  constructor(core: Core, remote: Remote, lane: Lane, stream: Stream, owner: StreamOwner) {
    this.#core = core
    this.#remote = remote
    this.#lane = lane
    this.#owner = owner
    this.#channel = new FrameChannel(stream, {
      ...channelLimits(core, remote, lane, 'answers'),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => this.#onAnswerLost(error),
      // Nothing is answered on it any more.
      onEnd: () => this.#channel.abort(new LinkLostError()),
      onClose: (error) => this.#onChannelClose(error),
    })
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#pending.size
  }

  /** Whether a call went out on it. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** Why the far side does not serve it. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** When the last message came on it, or it was opened, in ms as of `performance.now`. */
  get heardMs(): number {
    return this.#heardMs
  }

  start(): void {
    this.#channel.start()
  }

  /** Takes a call, and sends it as soon as the far side takes it. */
  admit(call: OutboundCall): void {
    call.id = this.#nextId++
    call.stream = this
    this.#pending.set(call.id, call)
    const { pace } = this.#owner
    if (pace == null) {
      this.#transmit(call)
      return
    }
    pace(call.size, call.signal()).then(
      () => this.#transmit(call),
      (err: unknown) => call.fail(toError(err)),
    )
  }

  /** A call is over, one way or another. */
  remove(call: OutboundCall): void {
    if (!this.#pending.delete(call.id)) return
    if (call.isTransmitted) {
      const isAnswered = call === this.#answered && call.isSingle
      this.#lateBytes += LATE_SLACK_BYTES + (isAnswered ? 0 : call.lateBytes)
    }
    this.#closeIfDone()
  }

  /** Finishes the calls that were sent, takes no more, and is then closed. */
  retire(): void {
    this.#isRetired = true
    this.#closeIfDone()
  }

  /** Ends the stream and every call on it at once. */
  abort(error: Error): void {
    this.failAll(error)
    this.#channel.abort(error)
  }

  failAll(error: Error): void {
    for (const [, call] of this.#pending.entries()) call.fail(error)
  }

  /** A reset loses nothing here: what we sent was answered, or nobody waits for it any more. */
  #closeIfDone(): void {
    if (this.#isRetired && this.#pending.size === 0) this.#channel.abort(new LinkLostError())
  }

  #transmit(call: OutboundCall): void {
    if (call.isOver) return
    if (this.#isRetired) {
      this.#pending.delete(call.id)
      this.#owner.onReturned(call)
      // Not before: an owner that holds neither a stream nor a call is forgotten.
      this.#closeIfDone()
      return
    }
    if (!this.#channel.isOpen) {
      call.fail(new LinkLostError())
      return
    }
    try {
      this.#owner.count(call.transmit(this.#channel))
      this.#isUsed = true
    } catch (err) {
      call.fail(toError(err))
    }
  }

  #onMessage(bytes: Uint8Array): void {
    this.#heardMs = performance.now()
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.#lane, 'in', bytes.byteLength)
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

  #onChannelClose(error?: Error): void {
    const reportClass = blame(error)
    if (error != null && reportClass != null) {
      this.#core.log('lost a stream to %p - %e', this.#remote.peer, error)
      this.#remote.reporter.report(reportClass, error.message)
    }
    this.#owner.onClosed(this, error)
  }
}
