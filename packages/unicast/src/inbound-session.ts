import { FrameChannel, IdTable, type MessageAbortedError, type MessageRefusedError } from '@gridmesh/chunking'
import { type Lane, RateLimitedError } from '@gridmesh/interfaces'
import { AbortError, type Stream } from '@libp2p/interface'
import type { Outcome } from './answer-memory.ts'
import { Answers } from './answers.ts'
import { MAX_REPEATS, MIN_DEADLINE_PER_RECEIPT_DELAY, PROTOCOLS } from './constants.ts'
import { blame, blameLost, channelLimits, type Core, type Remote } from './core.ts'
import { BusyError, LinkLostError, MalformedMessageError, UnknownHandlerError } from './errors.ts'
import { HandlerContext } from './handler-context.ts'
import type { Registration } from './handlers.ts'
import type { PeerSlots } from './handler-slots.ts'
import { toWireError } from './remote-errors.ts'
import { withTimeout } from './timeout.ts'
import { StreamJob, type StreamJobOwner } from './stream-job.ts'
import { type JobOwner, type UnaryCall, UnaryJob } from './unary-job.ts'
import { type CallMessage, decode, TYPE, type WireError, type WireMessage } from './wire.ts'

/** Whether a handler says by its error when it may be asked again, and so that it did nothing. */
function isToBeTriedAgain(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error.retryAfterMs > 0
}

/** Answers the calls that come on one stream. */
export class InboundSession implements JobOwner, StreamJobOwner {
  readonly #core: Core
  readonly #remote: Remote
  readonly lane: Lane
  readonly #slots: PeerSlots
  readonly #channel: FrameChannel
  readonly #answers: Answers
  readonly #onClose: (session: InboundSession) => void
  readonly #jobs = new IdTable<UnaryJob | StreamJob>()
  /** Repeats of calls that run, which are answered with them. */
  #repeats = 0
  /** The caller asks nothing more. */
  #isEnding = false

  constructor(core: Core, remote: Remote, lane: Lane, stream: Stream, onClose: (session: InboundSession) => void) {
    this.#core = core
    this.#remote = remote
    this.lane = lane
    this.#slots = core.slots(lane).acquire(remote.key)
    this.#onClose = onClose
    this.#channel = new FrameChannel(stream, {
      ...channelLimits(core, remote, lane, 'questions'),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => this.#onMessageLost(error),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#onChannelClose(error),
    })
    this.#answers = new Answers(core, remote.key, lane, this.#channel, (bytes) => this.#count('out', bytes))
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
    this.#forget(id, job)
    this.#remote.heldBudget(this.lane).release(job.size)
    if (key != null && job.hasRun && !isToBeTriedAgain(outcome))
      this.#core.memory.settle(this.#remote.key, key, outcome)
    else if (key != null) this.#core.memory.cancel(this.#remote.key, key, outcome)
    if (!job.isAbandoned) this.#answer(job.call, outcome)
    if (job.isStarted) this.#slots.leave()
    this.#afterJob()
  }

  onStreamDone(job: StreamJob, error: WireError | undefined): void {
    this.#forget(job.id, job)
    if (error == null) this.#core.metrics.handled('ok')
    else if (!job.isAbandoned) this.#answers.refuse(job.id, error)
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
      this.#answers.refuse(call.id, toWireError(limited))
      return
    }
    const registration = this.#core.handlers.get(call.name)
    if (registration == null || registration.isStream !== (call.type === TYPE.open)) {
      this.#answers.refuse(call.id, toWireError(new UnknownHandlerError(call.name)))
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
      this.#answers.refuse(call.id, toWireError(this.#busy(limit, value)))
      return
    }
    const key = call.key == null ? undefined : Buffer.from(call.key).toString('latin1')
    if (key != null) {
      this.#repeats += 1
      const begun = memory.begin(this.#remote.key, key, (outcome) => this.#onRepeated(call.id, outcome))
      if (begun !== 'known') this.#repeats -= 1
      if (begun !== 'first') {
        held.release(call.payload.byteLength)
        if (begun === 'crowded') this.#answers.refuse(call.id, toWireError(this.#busy('repeatsOfOneCall', MAX_REPEATS)))
        return
      }
    }
    const { id, payload } = call
    const deadlineMs = call.deadlineMs === 0 ? limits.maxDeadlineMs : Math.min(call.deadlineMs, limits.maxDeadlineMs)
    const isOneWay = call.type === TYPE.send
    // A caller in a hurry is not made to wait.
    const isPatient =
      isOneWay && this.lane !== 'critical' && deadlineMs > receiptDelayMs * MIN_DEADLINE_PER_RECEIPT_DELAY
    const unary = { id, key, isOneWay, receiptDelayMs: isPatient ? receiptDelayMs : 0, graceMs: limits.handlerGraceMs }
    this.#enter(id, new UnaryJob(this, handler, this.#context(deadlineMs), unary, payload))
  }

  #onRepeated(id: number, outcome: Outcome): void {
    this.#repeats -= 1
    this.#answers.answer(id, outcome)
    this.#afterJob()
  }

  #startStream(call: CallMessage, { handler }: Registration & { isStream: true }): void {
    const { streamWindowBytes, streamIdleMs, handlerGraceMs, maxMessageBytes } = this.#core.limits
    const init = {
      id: call.id,
      channel: this.#channel,
      windowBytes: streamWindowBytes,
      idleMs: streamIdleMs,
      graceMs: handlerGraceMs,
      heldBudget: this.#remote.heldBudget(this.lane),
      maxItemBytes: maxMessageBytes,
      demandRoom: (bytes: number) => {
        this.#answers.note()
        this.#answers.demandRoom(bytes)
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
    const verdict = rateLimiter?.take(this.#remote.peer, PROTOCOLS[this.lane], { messages: 1, bytes }, this.lane)
    if (verdict == null || verdict.ok) return undefined
    return new RateLimitedError(verdict.limit, verdict.value, verdict.retryAfterMs)
  }

  #endStream(job: StreamJob, error: Error): void {
    this.#answers.refuse(job.id, toWireError(error))
    this.#cancel(job.id, error)
  }

  #cancel(id: number, error: Error): void {
    const job = this.#jobs.get(id)
    if (job == null) return
    job.abandon(error)
    this.#jobs.delete(id)
    this.#orphan(job)
  }

  /** Nobody waits for the answer now. Where the node stops, that is the end of it. */
  #orphan(job: UnaryJob | StreamJob): void {
    if (!job.isOver) this.#core.orphans.add(job)
  }

  /** A job is over. One that was given up may be so after its number was used again. */
  #forget(id: number, job: UnaryJob | StreamJob): void {
    this.#core.orphans.delete(job)
    if (this.#jobs.get(id) === job) this.#jobs.delete(id)
  }

  #answer({ id, receiptDelayMs }: UnaryCall, outcome: Outcome): void {
    if (receiptDelayMs > 0 && !('error' in outcome)) this.#answers.receive(id, receiptDelayMs)
    else this.#answers.answer(id, outcome)
  }

  #onDrain(): void {
    this.#answers.note()
    this.#channel.resume()
  }

  #count(direction: 'in' | 'out', bytes: number): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, direction, bytes)
  }

  #busy(limit: string, value: number): BusyError {
    return new BusyError(limit, value, this.#core.limits.busyRetryAfterMs)
  }

  #onMessageLost(error: MessageRefusedError | MessageAbortedError): void {
    const reportClass = blameLost(error, this.#remote.partialBudget(this.lane, 'questions'))
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
    if (!this.#isEnding || this.#jobs.size + this.#repeats > 0) return
    this.#isEnding = false
    this.#answers.flush()
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
    this.#answers.close()
    const lost = new LinkLostError({ cause: error })
    for (const [, job] of this.#jobs.entries()) {
      // An idempotent call will be asked for again: what it has begun is worth finishing, and remembered.
      if (job instanceof UnaryJob && job.call.key != null) job.isAbandoned = true
      else job.abandon(lost)
      this.#orphan(job)
    }
    this.#jobs.clear()
    this.#core.slots(this.lane).release(this.#slots)
    this.#onClose(this)
  }
}
