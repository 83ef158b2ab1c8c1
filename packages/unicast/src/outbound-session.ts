import { type ByteBudget, FrameChannel } from '@gridmesh/chunking'
import { HandshakeRejectedError, QueueFullError, type Lane } from '@gridmesh/interfaces'
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { blame, channelLimits, type Core, type Remote } from './core.ts'
import { LinkLostError, MalformedMessageError, UnreachableError } from './errors.ts'
import type { OutboundCall } from './outbound-call.ts'
import { toError } from './timeout.ts'
import { decode, TYPE } from './wire.ts'

/** The stream on which we ask one peer in one lane: opened when it is needed, and again when it was lost. */
export class OutboundSession {
  readonly lane: Lane
  readonly #core: Core
  readonly #remote: Remote
  readonly #open: () => Promise<Stream>
  readonly #onIdle: () => void
  /** Sent, or about to be, by id. */
  readonly #pending = new Map<number, OutboundCall>()
  /** Wait for the stream, or for room on it. */
  #waiting: OutboundCall[] = []
  #channel: FrameChannel | undefined
  #isOpening = false
  #isPumping = false
  #nextId = 0

  /** `open` gives a new stream; `onIdle` is called when the session holds neither a stream nor a call. */
  constructor(core: Core, remote: Remote, lane: Lane, open: () => Promise<Stream>, onIdle: () => void) {
    this.#core = core
    this.#remote = remote
    this.lane = lane
    this.#open = open
    this.#onIdle = onIdle
  }

  /** Bounds the answers to streamed calls that were not taken. */
  get heldBudget(): ByteBudget {
    return this.#remote.heldBudget
  }

  /** Whether there is nothing to lose by forgetting the session. */
  get isIdle(): boolean {
    return this.#channel == null && !this.#isOpening && this.#waiting.length === 0 && this.#pending.size === 0
  }

  /** Sends a call now or as soon as it may go. @throws {QueueFullError} when too many wait */
  submit(call: OutboundCall): void {
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

  /** A call is over, one way or another. */
  remove(call: OutboundCall): void {
    this.#pending.delete(call.id)
    if (this.#waiting.length > 0) this.#pump()
    else if (this.isIdle) this.#onIdle()
  }

  /** Ends the stream and every call at once. */
  abort(error: Error): void {
    this.#failAll(error)
    this.#channel?.abort(error)
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
    const { rateLimiter } = this.#core.siblings
    if (rateLimiter == null) {
      this.#transmit(call)
      return
    }
    const cost = { messages: 1, bytes: call.size }
    rateLimiter.whenAllowed(this.#remote.peer, cost, { signal: call.signal() }).then(
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
        const isRefused = err instanceof Error && err.name === HandshakeRejectedError.name
        this.#failWaiting(isRefused ? err : new UnreachableError({ cause: err }))
        this.#onIdle()
      },
    )
  }

  #onStream(stream: Stream): void {
    this.#isOpening = false
    const channel = new FrameChannel(stream, {
      ...channelLimits(this.#core, this.#remote),
      onMessage: (bytes) => this.#onMessage(bytes),
      onMessageLost: (error) => {
        const reportClass = blame(error)
        if (reportClass != null) this.#remote.reporter.report(reportClass, error.message)
      },
      // Nothing is answered on it any more.
      onEnd: () => channel.abort(new LinkLostError()),
      onClose: (error) => this.#onChannelClose(error),
    })
    this.#channel = channel
    channel.start()
    this.#pump()
  }

  #onMessage(bytes: Uint8Array | Uint8ArrayList): void {
    this.#core.siblings.peerManager?.countTraffic(this.#remote.peer, this.lane, 'in', bytes.byteLength)
    const message = decode(bytes instanceof Uint8Array ? bytes : bytes.subarray())
    if (message.type < TYPE.response || message.type === TYPE.cancel) {
      throw new MalformedMessageError('A question on a stream for answers')
    }
    if (message.id >= this.#nextId)
      throw new MalformedMessageError(`An answer to call ${message.id}, which was not made`)
    // A call that is not pending was given up, and its answer is late.
    const call = this.#pending.get(message.id)
    if (call == null) return
    if (!call.isTransmitted) throw new MalformedMessageError(`An answer to call ${message.id}, which was not sent yet`)
    call.receive(message)
  }

  #onChannelClose(error?: Error): void {
    this.#channel = undefined
    const reportClass = blame(error)
    if (error != null && reportClass != null) {
      this.#core.log('lost a stream to %p - %e', this.#remote.peer, error)
      this.#remote.reporter.report(reportClass, error.message)
    }
    const lost = new LinkLostError({ cause: error })
    for (const call of this.#pending.values()) call.fail(lost)
    this.#pending.clear()
    this.#pump()
    this.#onIdle()
  }

  #failAll(error: Error): void {
    this.#failWaiting(error)
    for (const call of this.#pending.values()) call.fail(error)
    this.#pending.clear()
  }

  #failWaiting(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) call.fail(error)
  }
}
