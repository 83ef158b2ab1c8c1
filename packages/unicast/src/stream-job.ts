import type { Lane, UnicastStreamHandler } from '@gridmesh/interfaces'
import { TimeoutError } from '@libp2p/interface'
import { Duplex, type DuplexInit } from './duplex.ts'
import type { HandlerContext } from './handler-context.ts'
import type { SlotJob } from './handler-slots.ts'
import { toWireError } from './remote-errors.ts'
import type { WireError, WireMessage } from './wire.ts'

/** What a streamed job tells the session that took its call. */
export interface StreamJobOwner {
  /** The handler is done, or will not run. */
  onStreamDone(job: StreamJob, error: WireError | undefined): void
}

/** One call of a handler that answers a stream with a stream. */
export class StreamJob implements SlotJob {
  readonly id: number
  readonly lane: Lane
  isOver = false
  /** It holds a slot, which is to be left when it is over. */
  isStarted = false
  /** Nobody waits for the rest. */
  isAbandoned = false
  readonly #owner: StreamJobOwner
  readonly #handler: UnicastStreamHandler
  readonly #context: HandlerContext
  readonly #duplex: Duplex
  readonly #idleMs: number
  readonly #graceMs: number
  #isStopping = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    owner: StreamJobOwner,
    handler: UnicastStreamHandler,
    context: HandlerContext,
    init: Omit<DuplexInit, 'lane' | 'onFailed'> & { idleMs: number; graceMs: number },
  ) {
    this.#owner = owner
    this.#handler = handler
    this.#context = context
    this.id = init.id
    this.lane = context.lane
    this.#idleMs = init.idleMs
    this.#graceMs = init.graceMs
    this.#duplex = new Duplex({ ...init, lane: this.lane, onFailed: (error) => this.#stop(error) })
  }

  start(): void {
    this.isStarted = true
    this.#duplex.start()
    this.#watch(this.#idleMs)
    this.#run().then(
      () => this.#finish(undefined),
      (err: unknown) => this.#finish(toWireError(err)),
    )
  }

  /** Takes a message of the caller. Returns the error that the call is to end with, if it is. */
  receive(message: WireMessage): Error | undefined {
    return this.#duplex.receive(message)
  }

  refuse(error: Error): void {
    this.#finish(toWireError(error))
  }

  /** Nobody waits any more: the handler is told, or does not run at all. */
  abandon(error: Error): void {
    this.isAbandoned = true
    this.#stop(error)
    if (!this.isStarted) this.#finish(toWireError(error))
  }

  /** The handler is told, and not waited for. */
  letGo(error: Error): void {
    this.abandon(error)
    this.#finish(toWireError(error))
  }

  async #run(): Promise<void> {
    await this.#duplex.sendAll(this.#handler(this.#duplex.incoming, this.#context))
  }

  /** A caller that neither sends nor takes anything does not hold the slot for ever. */
  #watch(ms: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#duplex.isWaiting ? this.#duplex.heardMs + this.#idleMs - performance.now() : this.#idleMs
      if (left > 0) {
        this.#watch(left)
        return
      }
      this.#stop(new TimeoutError(`Nothing came for streamIdleMs, which is ${this.#idleMs}`))
    }, ms)
  }

  /** Ends the call with an error: the handler is told, and has a while to end. One that hangs does not hold the slot for ever. */
  #stop(error: Error): void {
    if (this.isOver || this.#isStopping) return
    this.#isStopping = true
    clearTimeout(this.#timer)
    if (this.isStarted) this.#timer = setTimeout(() => this.#finish(toWireError(error)), this.#graceMs)
    this.#context.abort(error)
    this.#duplex.fail(error)
  }

  #finish(error: WireError | undefined): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.#timer)
    this.#context.done()
    this.#duplex.incoming.discard()
    this.#owner.onStreamDone(this, error)
  }
}
