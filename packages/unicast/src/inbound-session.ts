import { FrameChannel, type MessageAbortedError, type MessageRefusedError } from '@gridmesh/chunking'
import { type Lane, QueueFullError, RateLimitedError } from '@gridmesh/interfaces'
import { AbortError, type Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Outcome } from './answer-memory.ts'
import { MAX_REPEATS, MIN_DEADLINE_PER_RECEIPT_DELAY, PROTOCOLS } from './constants.ts'
import { blame, blameLost, channelLimits, type Core, type Registration, type Remote } from './core.ts'
import { BusyError, LinkLostError, MalformedMessageError, UnknownHandlerError } from './errors.ts'
import { HandlerContext } from './handler-context.ts'
import type { PeerSlots } from './handler-slots.ts'
import { toWireError } from './remote-errors.ts'
import { toError, withTimeout } from './timeout.ts'
import { ReceiptBatch } from './receipt-batch.ts'
import { StreamJob, type StreamJobOwner } from './stream-job.ts'
import { type JobOwner, UnaryJob } from './unary-job.ts'
import { type CallMessage, decode, encodeError, encodePayload, TYPE, type WireError, type WireMessage } from './wire.ts'

const RECEIPT: Outcome = { payload: new Uint8Array(0) }

/** Whether a handler says by its error when it may be asked again, and so that it did nothing. */
function isToBeTriedAgain(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error.retryAfterMs > 0
}

/** Answers the calls that come on one stream. */
export class InboundSession implements JobOwner, StreamJobOwner {
  readonly #core: Core
  readonly #remote: Remote
  readonly lane: Lane
  readonly #options: { lane: Lane }
  readonly #slots: PeerSlots
  readonly #channel: FrameChannel
  readonly #onClose: (session: InboundSession) => void
  readonly #jobs = new Map<number, UnaryJob | StreamJob>()
  readonly #receipts = new ReceiptBatch((ids) => {
    for (const id of ids) this.#answer(id, RECEIPT)
  })
  /** The caller asks nothing more. */
  #isEnding = false

  constructor(core: Core, remote: Remote, lane: Lane, stream: Stream, onClose: (session: InboundSession) => void) {
    this.#core = core
    this.#remote = remote
    this.lane = lane
    this.#options = { lane }
    this.#slots = core.slots(lane).acquire(remote.key)
    this.#onClose = onClose
    this.#channel = new FrameChannel(stream, {
      ...channelLimits(core, remote, lane),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => this.#onMessageLost(error),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#onChannelClose(error),
    })
  }

  start(): void {
    this.#channel.start()
  }

  /** Ends the session at once. */
  abort(error: Error): void {
    this.#channel.abort(error)
  }

  onDone(job: UnaryJob, outcome: Outcome): void {
    const { id, key } = job.call
    this.#jobs.delete(id)
    this.#remote.heldBudget(this.lane).release(job.size)
    if (key != null && job.hasRun && !isToBeTriedAgain(outcome))
      this.#core.memory.settle(this.#remote.key, key, outcome)
    else if (key != null) this.#core.memory.cancel(this.#remote.key, key, outcome)
    if (!job.isAbandoned && job.call.receiptDelayMs > 0 && !('error' in outcome)) {
      this.#receipts.add(id, job.call.receiptDelayMs)
    } else if (!job.isAbandoned) this.#answer(id, outcome)
    if (job.isStarted) this.#slots.leave()
    this.#afterJob()
  }

  onStreamDone(job: StreamJob, error: WireError | undefined): void {
    this.#jobs.delete(job.id)
    if (error == null) this.#core.metrics.handled('ok')
    else if (!job.isAbandoned) this.#refuse(job.id, error)
    if (job.isStarted) this.#slots.leave()
    this.#afterJob()
  }

  #onMessage(bytes: Uint8Array): void {
    this.#count('in', bytes.byteLength)
    const message = decode(bytes)
    // Whatever comes is charged, what is late or of no effect as well.
    const limited = this.#charge(bytes.byteLength)
    switch (message.type) {
      case TYPE.send:
      case TYPE.request:
      case TYPE.open:
        this.#onCall(message, limited)
        break
      case TYPE.data:
      case TYPE.end:
      case TYPE.credit:
        this.#onStreamed(message, limited)
        break
      case TYPE.cancel:
        // Over a limit or not: it ends work.
        this.#cancel(message.id, new AbortError('The caller gave up'))
        break
      case TYPE.response:
      case TYPE.error:
      case TYPE.refusal:
        throw new MalformedMessageError('An answer on a stream for questions')
    }
  }

  #onStreamed(message: WireMessage & { id: number }, limited: RateLimitedError | undefined): void {
    // An unknown call is one that has ended here, and what was under way for it is late.
    const job = this.#jobs.get(message.id)
    if (job instanceof UnaryJob) throw new MalformedMessageError('An item of a call that is not streamed')
    if (job == null) return
    const error = limited ?? job.receive(message)
    // What is too much costs its call: it cannot be left out of the middle of a stream.
    if (error != null) this.#endStream(job, error)
  }

  #onCall(call: CallMessage, limited: RateLimitedError | undefined): void {
    if (this.#jobs.has(call.id)) throw new MalformedMessageError(`Call ${call.id} twice`)
    if (limited != null) {
      this.#refuse(call.id, toWireError(limited))
      return
    }
    const registration = this.#core.handlers.get(call.name)
    if (registration == null || registration.isStream !== (call.type === TYPE.open)) {
      this.#refuse(call.id, toWireError(new UnknownHandlerError(call.name)))
      return
    }
    if (registration.isStream) this.#startStream(call, registration)
    else this.#startUnary(call, registration)
  }

  #startUnary(call: CallMessage, { handler, receiptDelayMs }: Registration & { isStream: false }): void {
    const { limits, memory } = this.#core
    const held = this.#remote.heldBudget(this.lane)
    if (!held.tryTake(call.payload.byteLength)) {
      const { limit, value } = held.refusal
      this.#refuse(call.id, toWireError(this.#busy(limit, value)))
      return
    }
    const key = call.key == null ? undefined : Buffer.from(call.key).toString('latin1')
    if (key != null) {
      const begun = memory.begin(this.#remote.key, key, (outcome) => this.#answer(call.id, outcome))
      if (begun !== 'first') {
        held.release(call.payload.byteLength)
        if (begun === 'crowded') this.#refuse(call.id, toWireError(this.#busy('repeatsOfOneCall', MAX_REPEATS)))
        return
      }
    }
    const { id, payload } = call
    const deadlineMs = call.deadlineMs === 0 ? limits.maxDeadlineMs : Math.min(call.deadlineMs, limits.maxDeadlineMs)
    const isOneWay = call.type === TYPE.send
    // A caller in a hurry is not made to wait.
    const isPatient =
      isOneWay && this.lane !== 'critical' && deadlineMs > receiptDelayMs * MIN_DEADLINE_PER_RECEIPT_DELAY
    const unary = { id, key, isOneWay, receiptDelayMs: isPatient ? receiptDelayMs : 0 }
    this.#enter(id, new UnaryJob(this, handler, this.#context(deadlineMs), unary, payload))
  }

  #startStream(call: CallMessage, { handler }: Registration & { isStream: true }): void {
    const { streamWindowBytes, streamIdleMs } = this.#core.limits
    const init = {
      id: call.id,
      channel: this.#channel,
      windowBytes: streamWindowBytes,
      idleMs: streamIdleMs,
      heldBudget: this.#remote.heldBudget(this.lane),
      demandRoom: (bytes: number) => {
        // Items are sent past us.
        this.#core.budgets(this.lane).unread.note(this.#channel)
        this.#demandRoom(bytes)
      },
      count: (bytes: number) => this.#count('out', bytes),
    }
    this.#enter(call.id, new StreamJob(this, handler, this.#context(Number.POSITIVE_INFINITY), init))
  }

  #enter(id: number, job: UnaryJob | StreamJob): void {
    this.#jobs.set(id, job)
    const busy = this.#slots.enter(job)
    if (busy != null) job.refuse(busy)
  }

  #context(deadlineMs: number): HandlerContext {
    return new HandlerContext(this.#remote.peer, this.lane, performance.now() + deadlineMs)
  }

  /** Charges an inbound message. Returns the error where it is over a limit, which the limiter itself reports. */
  #charge(bytes: number): RateLimitedError | undefined {
    const { rateLimiter } = this.#core.siblings
    const verdict = rateLimiter?.take(this.#remote.peer, PROTOCOLS[this.lane], { messages: 1, bytes })
    if (verdict == null || verdict.ok) return undefined
    return new RateLimitedError(verdict.limit, verdict.value, verdict.retryAfterMs)
  }

  #endStream(job: StreamJob, error: Error): void {
    this.#refuse(job.id, toWireError(error))
    this.#cancel(job.id, error)
  }

  #cancel(id: number, error: Error): void {
    const job = this.#jobs.get(id)
    if (job == null) return
    job.abandon(error)
    this.#jobs.delete(id)
  }

  #answer(id: number, outcome: Outcome): void {
    if ('error' in outcome) {
      this.#refuse(id, outcome.error)
      return
    }
    this.#core.metrics.handled('ok')
    try {
      const response = encodePayload(TYPE.response, id, outcome.payload)
      this.#demandRoom(response.byteLength)
      this.#send(response)
    } catch (err) {
      this.#refuse(id, toWireError(err))
    }
  }

  #refuse(id: number, error: WireError): void {
    const { code } = error
    const isOwn = code === 'busy' || code === 'rate-limited' || code === 'unknown-handler'
    this.#core.metrics.handled(isOwn ? code : 'failed')
    try {
      this.#send(encodeError(id, error))
    } catch (err) {
      // No room even for that: the caller reads nothing, and the other calls on the stream are lost to it too.
      this.#channel.abort(toError(err))
    }
  }

  #send(message: Uint8Array | Uint8ArrayList): void {
    // They go along.
    this.#receipts.flush()
    if (!this.#channel.isOpen) return
    this.#channel.enqueue(message, this.#options)
    this.#core.budgets(this.lane).unread.note(this.#channel)
    this.#count('out', message.byteLength)
    // A caller that does not read its answers gets no further questions in.
    if (this.#channel.queuedBytes > this.#core.limits.maxUnreadBytes) this.#channel.pause()
  }

  /** @throws {QueueFullError} when all callers together have read too little of their answers */
  #demandRoom(bytes: number): void {
    const { unread } = this.#core.budgets(this.lane)
    if (!unread.hasRoom(bytes)) throw new QueueFullError('maxUnreadBytesInAll', unread.limit, this.lane)
  }

  #onDrain(): void {
    this.#core.budgets(this.lane).unread.note(this.#channel)
    this.#channel.resume()
  }

  #count(direction: 'in' | 'out', bytes: number): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, direction, bytes)
  }

  #busy(limit: string, value: number): BusyError {
    return new BusyError(limit, value, this.#core.limits.busyRetryAfterMs)
  }

  #onMessageLost(error: MessageRefusedError | MessageAbortedError): void {
    const reportClass = blameLost(error, this.#remote.partialBudget(this.lane))
    if (reportClass != null) this.#remote.reporter.report(reportClass, error.message)
  }

  #onEnd(): void {
    this.#isEnding = true
    this.#closeIfDone()
  }

  #afterJob(): void {
    // A handler may outlive its stream, and what it holds is counted until it is done.
    if (this.#channel.isClosed) this.#onClose(this)
    else this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (!this.#isEnding || this.#jobs.size > 0) return
    this.#isEnding = false
    this.#receipts.flush()
    withTimeout(this.#core.limits.openTimeoutMs, undefined, (signal) => this.#channel.close({ signal })).catch(
      (err: unknown) => this.#core.log.trace('could not close a stream - %e', err),
    )
  }

  #onChannelClose(error?: Error): void {
    const reportClass = blame(error)
    if (error != null && reportClass != null) {
      this.#core.log('lost a stream of %p - %e', this.#remote.peer, error)
      this.#remote.reporter.report(reportClass, error.message)
    }
    this.#receipts.clear()
    this.#core.budgets(this.lane).unread.forget(this.#channel)
    const lost = new LinkLostError({ cause: error })
    for (const job of this.#jobs.values()) {
      // An idempotent call will be asked for again: what it has begun is worth finishing.
      if (job instanceof UnaryJob && job.call.key != null) job.isAbandoned = true
      else job.abandon(lost)
    }
    this.#jobs.clear()
    this.#core.slots(this.lane).release(this.#slots)
    this.#onClose(this)
  }
}
