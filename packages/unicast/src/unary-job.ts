import type { Lane, UnicastHandler } from '@gridmesh/interfaces'
import type { Outcome } from './answer-memory.ts'
import { MAX_TIMEOUT_MS } from './constants.ts'
import { own } from './core.ts'
import { HandlerTimeoutError, InvalidAnswerError, WaitedTooLongError } from './errors.ts'
import type { HandlerContext } from './handler-context.ts'
import { toWireError } from './remote-errors.ts'
import type { SlotJob } from './handler-slots.ts'

const NO_BYTES = new Uint8Array(0)

/** What a job tells the session that took its call. */
export interface JobOwner {
  /** The handler is done, or will not run. */
  onDone(job: UnaryJob, outcome: Outcome): void
}

/** A call to be handled, without its bytes: those are let go of with the end of the job, or before. */
export interface UnaryCall {
  readonly id: number
  readonly key: string | undefined
  /** The caller wants to know that the bytes were taken, and nothing else. */
  readonly isOneWay: boolean
  /** Time that the receipt may wait for others, in ms. */
  readonly receiptDelayMs: number
  /** Time that the handler has to end once nobody waits for it, in ms. */
  readonly graceMs: number
}

/** One call of a handler that answers once. */
export class UnaryJob implements SlotJob {
  readonly call: UnaryCall
  readonly lane: Lane
  readonly size: number
  isOver = false
  /** It holds a slot, which is to be left when it is over. */
  isStarted = false
  /** The handler was called. */
  hasRun = false
  /** Nobody waits for the answer. */
  isAbandoned = false
  readonly #owner: JobOwner
  readonly #handler: UnicastHandler
  readonly #context: HandlerContext
  #payload: Uint8Array
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(owner: JobOwner, handler: UnicastHandler, context: HandlerContext, call: UnaryCall, payload: Uint8Array) {
    this.#owner = owner
    this.#handler = handler
    this.#context = context
    this.call = call
    this.lane = context.lane
    this.#payload = own(payload)
    this.size = this.#payload.byteLength
  }

  start(): void {
    this.isStarted = true
    if (this.#context.leftMs === 0) {
      this.#fail(new WaitedTooLongError())
      return
    }
    this.hasRun = true
    const payload = this.#payload
    this.#payload = NO_BYTES
    try {
      const result = this.#handler(payload, this.#context)
      if (result == null || result instanceof Uint8Array) this.#succeed(result)
      else this.#wait(result)
    } catch (err) {
      this.#fail(err)
    }
  }

  refuse(error: Error): void {
    this.#fail(error)
  }

  /** Nobody waits any more: the handler is told, or does not run at all. */
  abandon(error: Error): void {
    this.isAbandoned = true
    this.#context.abort(error)
    if (this.isStarted) this.#watch()
    else this.#fail(error)
  }

  /** The handler is told, and not waited for: what it answers later is dropped. */
  letGo(error: Error): void {
    this.#context.abort(error)
    this.#fail(error)
  }

  /** A handler that never ends does not hold its slot for ever. */
  #watch(): void {
    clearTimeout(this.#timer)
    const { graceMs } = this.call
    const ms = Math.min(Math.ceil(this.#context.leftMs + graceMs), MAX_TIMEOUT_MS)
    this.#timer = setTimeout(() => this.letGo(new HandlerTimeoutError(graceMs)), ms)
  }

  #wait(result: Promise<Uint8Array | void>): void {
    this.#watch()
    Promise.resolve(result).then(
      (value) => this.#succeed(value),
      (err: unknown) => this.#fail(err),
    )
  }

  #succeed(value: Uint8Array | void): void {
    if (value == null || (this.call.isOneWay && value instanceof Uint8Array)) this.#finish({ payload: NO_BYTES })
    else if (value instanceof Uint8Array) this.#finish({ payload: value })
    else this.#fail(new InvalidAnswerError())
  }

  #fail(error: unknown): void {
    this.#finish({ error: toWireError(error) })
  }

  #finish(outcome: Outcome): void {
    if (this.isOver) return
    this.isOver = true
    // A job that was given up stays in the queue until its turn, and its bytes no longer count by then.
    this.#payload = NO_BYTES
    clearTimeout(this.#timer)
    this.#context.done()
    this.#owner.onDone(this, outcome)
  }
}
