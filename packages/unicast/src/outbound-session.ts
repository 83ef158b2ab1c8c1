import type { FrameChannel } from '@gridmesh/chunking'
import { HandshakeRejectedError, QueueFullError, type Lane } from '@gridmesh/interfaces'
import { NotStartedError, type Stream } from '@libp2p/interface'
import { MAX_HEADER_BYTES } from './constants.ts'
import type { Core, Remote } from './core.ts'
import { LinkLostError, UnreachableError } from './errors.ts'
import type { OutboundCall } from './outbound-call.ts'
import { OutboundStream, type StreamOwner } from './outbound-stream.ts'
import type { SharedBudget } from './shared-budget.ts'

/** What keeps a stream from being opened and is told as it is: there is no use in trying again. */
const TOLD: ReadonlySet<string> = new Set([HandshakeRejectedError.name, NotStartedError.name])

/**
 * Asks one peer in one lane, on a stream that is opened when it is needed, and again when it was lost. One whose place was
 * taken is there beside it until the calls on it are over.
 */
export class OutboundSession implements StreamOwner {
  readonly lane: Lane
  readonly #core: Core
  readonly #remote: Remote
  readonly #open: () => Promise<Stream>
  readonly #onIdle: () => void
  /** Wait for the stream, or for room on it. */
  #waiting: OutboundCall[] = []
  #stream: OutboundStream | undefined
  /** The one that was there before. */
  #older: OutboundStream | undefined
  #isOpening = false
  #isPumping = false

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

  /** Largest payload that may be sent, in bytes. */
  get maxPayloadBytes(): number {
    return this.#core.limits.maxMessageBytes
  }

  /** Largest message that can come, in bytes. */
  get maxMessageBytes(): number {
    return this.#core.limits.maxMessageBytes + MAX_HEADER_BYTES
  }

  get pace(): ((bytes: number, signal?: AbortSignal) => Promise<void>) | undefined {
    const { rateLimiter } = this.#core.siblings
    if (rateLimiter == null) return undefined
    const { lane } = this
    return (bytes, signal) =>
      rateLimiter.whenAllowed(this.#remote.peer, { messages: 1, bytes }, signal == null ? { lane } : { lane, signal })
  }

  /** Whether there is nothing to lose by forgetting the session. */
  get isIdle(): boolean {
    return this.#stream == null && this.#older == null && !this.#isOpening && this.#waiting.length === 0
  }

  /** Sends a call now or as soon as it may go. @throws {QueueFullError} when too many wait */
  submit(call: OutboundCall): void {
    this.#count(call)
    if (this.#waiting.length === 0 && this.#hasRoom) {
      this.#stream?.admit(call)
      return
    }
    const { maxWaiting } = this.#core.limits
    if (this.#waiting.length >= maxWaiting) this.#waiting = this.#waiting.filter((each) => !each.isOver)
    if (this.#waiting.length >= maxWaiting) throw new QueueFullError('maxWaiting', maxWaiting, this.lane)
    this.#waiting.push(call)
    this.#pump()
  }

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
    call.stream?.remove(call)
    if (this.#waiting.length > 0) this.#pump()
    else if (this.isIdle) this.#onIdle()
  }

  /** Whatever is not sent yet goes over a new stream; the one that is there finishes what is. */
  renew(): void {
    if (this.#stream == null) return
    // The far side takes no third one.
    this.#older?.abort(new LinkLostError())
    this.#older = this.#stream
    this.#stream = undefined
    this.#older.retire()
    this.#pump()
  }

  /** A call on `stream` had no answer in time. Where nothing at all came since it was made, that may lead nowhere. */
  onUnanswered(stream: OutboundStream, sinceMs: number): void {
    if (stream === this.#stream && this.#older == null && stream.heardMs < sinceMs) this.renew()
  }

  /** Ends the streams and every call at once. */
  abort(error: Error): void {
    this.#failWaiting(error)
    this.#older?.abort(error)
    this.#stream?.abort(error)
  }

  onReturned(call: OutboundCall): void {
    this.#waiting.push(call)
    this.#pump()
  }

  onClosed(stream: OutboundStream, error?: Error): void {
    const isCurrent = stream === this.#stream
    if (isCurrent) this.#stream = undefined
    else this.#older = undefined
    stream.failAll(stream.refusal ?? new LinkLostError({ cause: error }))
    // A far side that ends every stream before it took a call would have us open them without end.
    if (isCurrent && !stream.isUsed) this.#failWaiting(stream.refusal ?? new UnreachableError({ cause: error }))
    this.#pump()
    this.#onIdle()
  }

  async #sendSignal(channel: FrameChannel, message: Uint8Array): Promise<void> {
    await this.pace?.(message.byteLength)
    if (channel.isOpen) channel.enqueue(message, { lane: this.lane })
  }

  #pump(): void {
    if (this.#stream == null) {
      if (!this.#isOpening && this.#waiting.length > 0) this.#openSoon()
      return
    }
    // A call that fails as it is sent comes back here.
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#waiting.length > 0 && this.#hasRoom) {
      const call = this.#waiting.shift()
      if (call?.isOver === false) this.#stream?.admit(call)
    }
    this.#isPumping = false
  }

  get #hasRoom(): boolean {
    return this.#stream != null && this.#stream.size < this.#core.limits.maxInFlight
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
    this.#stream = new OutboundStream(this.#core, this.#remote, this.lane, stream, this)
    this.#stream.start()
    this.#pump()
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

  #failWaiting(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) call.fail(error)
  }
}
