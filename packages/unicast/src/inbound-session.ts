import { FrameChannel, type MessageAbortedError, type MessageRefusedError } from '@gridmesh/chunking'
import { RateLimitedError, type Lane } from '@gridmesh/interfaces'
import { AbortError, type Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Outcome } from './answer-memory.ts'
import { MAX_REPEATS, PROTOCOLS } from './constants.ts'
import { blame, channelLimits, type Core, type Registration, type Remote } from './core.ts'
import { BusyError, LinkLostError, MalformedMessageError, UnknownHandlerError } from './errors.ts'
import { HandlerContext } from './handler-context.ts'
import type { PeerSlots } from './handler-slots.ts'
import { toWireError } from './remote-errors.ts'
import { toError, withTimeout } from './timeout.ts'
import { StreamJob, type StreamJobOwner } from './stream-job.ts'
import { type JobOwner, UnaryJob } from './unary-job.ts'
import { type CallMessage, decode, encodeError, encodePayload, TYPE, type WireError } from './wire.ts'

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
      ...channelLimits(core, remote),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => this.#onMessageLost(error),
      onDrain: () => this.#channel.resume(),
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
    this.#remote.heldBudget.release(job.size)
    if (key != null && job.hasRun) this.#core.memory.settle(this.#remote.key, key, outcome)
    else if (key != null) this.#core.memory.cancel(this.#remote.key, key, outcome)
    if (!job.isAbandoned) this.#answer(id, outcome)
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

  #onMessage(bytes: Uint8Array | Uint8ArrayList): void {
    this.#count('in', bytes.byteLength)
    const message = decode(bytes instanceof Uint8Array ? bytes : bytes.subarray())
    switch (message.type) {
      case TYPE.send:
      case TYPE.request:
      case TYPE.open:
        this.#onCall(message, bytes.byteLength)
        break
      case TYPE.data:
      case TYPE.end:
      case TYPE.credit: {
        // An unknown call is one that has ended here, and what was under way for it is late.
        const job = this.#jobs.get(message.id)
        if (job instanceof UnaryJob) throw new MalformedMessageError('An item of a call that is not streamed')
        if (job == null) return
        const limited = message.type === TYPE.data ? this.#charge(bytes.byteLength) : undefined
        const error = limited ?? job.receive(message)
        // An item that is too much costs its call: it cannot be left out of the middle of a stream.
        if (error != null) this.#endStream(job, error)
        break
      }
      case TYPE.cancel:
        this.#cancel(message.id, new AbortError('The caller gave up'))
        break
      case TYPE.response:
      case TYPE.error:
        throw new MalformedMessageError('An answer on a stream for questions')
    }
  }

  #onCall(call: CallMessage, bytes: number): void {
    if (this.#jobs.has(call.id)) throw new MalformedMessageError(`Call ${call.id} twice`)
    const limited = this.#charge(bytes)
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

  #startUnary(call: CallMessage, { handler }: Registration & { isStream: false }): void {
    const { limits, memory } = this.#core
    if (!this.#remote.heldBudget.tryTake(call.payload.byteLength)) {
      this.#refuse(call.id, toWireError(this.#busy('maxHeldBytesPerPeer', limits.maxHeldBytesPerPeer)))
      return
    }
    const key = call.key == null ? undefined : Buffer.from(call.key).toString('latin1')
    if (key != null) {
      const begun = memory.begin(this.#remote.key, key, (outcome) => this.#answer(call.id, outcome))
      if (begun !== 'first') {
        this.#remote.heldBudget.release(call.payload.byteLength)
        if (begun === 'crowded') this.#refuse(call.id, toWireError(this.#busy('repeats of one call', MAX_REPEATS)))
        return
      }
    }
    const { id, payload } = call
    const unary = { id, key, payload, isOneWay: call.type === TYPE.send }
    this.#enter(id, new UnaryJob(this, handler, this.#context(call.deadlineMs), unary))
  }

  #startStream(call: CallMessage, { handler }: Registration & { isStream: true }): void {
    const { streamWindowBytes, streamIdleMs } = this.#core.limits
    const init = {
      id: call.id,
      channel: this.#channel,
      windowBytes: streamWindowBytes,
      idleMs: streamIdleMs,
      heldBudget: this.#remote.heldBudget,
      count: (bytes: number) => this.#count('out', bytes),
    }
    this.#enter(call.id, new StreamJob(this, handler, this.#context(0), init))
  }

  #enter(id: number, job: UnaryJob | StreamJob): void {
    this.#jobs.set(id, job)
    const busy = this.#slots.enter(job)
    if (busy != null) job.refuse(busy)
  }

  #context(deadlineMs: number): HandlerContext {
    const left = deadlineMs === 0 ? Number.POSITIVE_INFINITY : Math.min(deadlineMs, this.#core.limits.maxDeadlineMs)
    return new HandlerContext(this.#remote.peer, this.lane, performance.now() + left)
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
      this.#send(encodePayload(TYPE.response, id, outcome.payload))
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
    if (!this.#channel.isOpen) return
    this.#channel.enqueue(message, this.#options)
    this.#count('out', message.byteLength)
    // A caller that does not read its answers gets no further questions in.
    if (this.#channel.queuedBytes > this.#core.limits.maxUnreadBytes) this.#channel.pause()
  }

  #count(direction: 'in' | 'out', bytes: number): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, direction, bytes)
  }

  #busy(limit: string, value: number): BusyError {
    return new BusyError(limit, value, this.#core.limits.busyRetryAfterMs)
  }

  #onMessageLost(error: MessageRefusedError | MessageAbortedError): void {
    const reportClass = blame(error)
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
