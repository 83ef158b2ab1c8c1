import type { FrameChannel, MessageOptions, OutgoingMessage } from '@gridmesh/chunking'
import { type Lane, QueueFullError } from '@gridmesh/interfaces'
import type { Uint8ArrayList } from 'uint8arraylist'
import { COPY_BELOW_BYTES, INITIAL_CREDIT_BYTES } from './constants.ts'
import { own } from './core.ts'
import { CreditGate } from './credit.ts'
import { InvalidAnswerError } from './errors.ts'
import { ItemQueue } from './item-queue.ts'
import { demandSize } from './payload-size.ts'
import type { SharedBudget } from './shared-budget.ts'
import { toError } from './timeout.ts'
import { encodeCredit, encodePayload, encodeSignal, TYPE, type WireMessage } from './wire.ts'

/** Where a streamed call runs. */
export interface DuplexInit {
  channel: FrameChannel
  id: number
  lane: Lane
  /** Cost of the items that may be on their way to us. */
  windowBytes: number
  /** Bounds the items of all streams of the peer that were not taken. */
  heldBudget: SharedBudget
  /** Awaited before anything is sent, with its bytes; absent where nothing holds us back. */
  pace?: ((bytes: number) => Promise<void>) | undefined
  /** Largest item of ours. */
  maxItemBytes: number
  /** Called before each item is sent, with its bytes; throws where there is no room for it. */
  demandRoom?: (bytes: number) => void
  /** Called with the bytes of each item sent. */
  count: (bytes: number) => void
  /** Called when an item could not be sent, or the other side refused one, maybe after it was sent. */
  onFailed: (error: Error) => void
}

/** One side of a streamed call: the items that come, and those that go. */
export class Duplex {
  readonly incoming: ItemQueue
  /** When the other side was last heard of, by `performance.now()`. */
  heardMs = performance.now()
  readonly #channel: FrameChannel
  readonly #id: number
  readonly #lane: Lane
  readonly #signalOptions: MessageOptions
  readonly #itemOptions: MessageOptions
  readonly #window: number
  readonly #count: (bytes: number) => void
  readonly #heldBudget: SharedBudget
  readonly #pace: DuplexInit['pace']
  readonly #maxItemBytes: number
  readonly #demandRoom: DuplexInit['demandRoom']
  readonly #onFailed: DuplexInit['onFailed']
  readonly #gate = new CreditGate()
  /** Why nothing more is sent. */
  #stopped: Error | undefined
  /** Ends the wait for the next item. */
  #rejectNext: ((error: Error) => void) | undefined
  /** The large item that is on its way to the stream. */
  #leaving: { message: OutgoingMessage; reject: (error: Error) => void } | undefined

  constructor(init: DuplexInit) {
    this.#channel = init.channel
    this.#id = init.id
    this.#lane = init.lane
    this.#signalOptions = { lane: init.lane }
    this.#itemOptions = { lane: init.lane, onRefused: init.onFailed }
    this.#window = init.windowBytes
    this.#count = init.count
    this.#heldBudget = init.heldBudget
    this.#pace = init.pace
    this.#maxItemBytes = init.maxItemBytes
    this.#demandRoom = init.demandRoom
    this.#onFailed = init.onFailed
    this.incoming = new ItemQueue(init.windowBytes, (bytes) => this.#grant(bytes), init.heldBudget)
  }

  /** Whether we can do nothing before the other side does something. */
  get isWaiting(): boolean {
    return this.incoming.isWaiting || this.#gate.isWaiting || this.#leaving != null
  }

  /** Grants what our window is larger than the one every stream begins with. */
  start(): void {
    this.heardMs = performance.now()
    if (this.#window > INITIAL_CREDIT_BYTES) this.#grant(this.#window - INITIAL_CREDIT_BYTES)
  }

  /**
   * Takes a message of the other side. Returns the error that the call is to end with, if it is.
   *
   * @throws {MalformedMessageError}
   */
  receive(message: WireMessage): QueueFullError | undefined {
    this.heardMs = performance.now()
    if (message.type === TYPE.data) {
      if (this.incoming.push(own(message.payload))) return undefined
      const { limit, value } = this.#heldBudget.refusal
      return new QueueFullError(limit, value, this.#lane)
    }
    if (message.type === TYPE.end) this.incoming.end()
    else if (message.type === TYPE.credit) this.#gate.grant(message.bytes)
    return undefined
  }

  /**
   * Sends every item of `source`, as fast as the other side takes them, and then the end. Where that fails, or the call ends
   * first, `onFailed` is told at once, and the rejection comes when the source has let go: one that hangs may never.
   */
  async sendAll(source: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = source[Symbol.asyncIterator]()
    try {
      for (let next = await this.#next(iterator); next.done !== true; next = await this.#next(iterator)) {
        await this.#sendItem(next.value)
      }
      const end = encodeSignal(TYPE.end, this.#id)
      await this.#pace?.(end.byteLength)
      this.#channel.enqueue(end, this.#signalOptions)
    } catch (err) {
      this.#onFailed(toError(err))
      // Why it ended is known: what the source says to it changes nothing.
      const letGo = async (): Promise<unknown> => iterator.return?.()
      await Promise.allSettled([letGo()])
      throw err
    }
  }

  /** Ends both directions. */
  fail(error: Error): void {
    this.incoming.fail(error)
    this.stopSending(error)
  }

  /** Sends no more items; those that come are still taken. */
  stopSending(error: Error): void {
    this.#stopped ??= error
    this.#rejectNext?.(error)
    this.#gate.fail(error)
    const leaving = this.#leaving
    if (leaving == null) return
    leaving.reject(error)
    this.#channel.cancel(leaving.message)
  }

  /** The next item. A source that is silent is not waited for once nothing more is sent. */
  async #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    if (this.#stopped != null) throw this.#stopped
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>()
    this.#rejectNext = reject
    // A source written by hand may throw at once, or answer without a promise.
    const next = async (): Promise<IteratorResult<Uint8Array>> => iterator.next()
    next().then(resolve, reject)
    return promise
  }

  async #sendItem(item: Uint8Array): Promise<void> {
    if (!(item instanceof Uint8Array)) throw new InvalidAnswerError()
    demandSize(item, this.#maxItemBytes)
    await this.#pace?.(item.byteLength)
    await this.#gate.take(item.byteLength)
    const message = encodePayload(TYPE.data, this.#id, item)
    this.#demandRoom?.(message.byteLength)
    this.#count(message.byteLength)
    // What fits one frame keeps its order; a larger item could be overtaken by the next, so it goes alone.
    if (message.byteLength < COPY_BELOW_BYTES) this.#channel.enqueue(message, this.#itemOptions)
    else await this.#handOver(message)
  }

  async #handOver(item: Uint8Array | Uint8ArrayList): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onSettled = (error?: Error): void => (error == null ? resolve() : reject(error))
    this.#leaving = { message: this.#channel.enqueue(item, { ...this.#itemOptions, onSettled }), reject }
    try {
      await promise
    } finally {
      this.#leaving = undefined
    }
  }

  #grant(bytes: number): void {
    const credit = encodeCredit(this.#id, bytes)
    if (this.#pace == null) {
      this.#sendCredit(credit)
      return
    }
    this.#pace(credit.byteLength).then(
      () => this.#sendCredit(credit),
      (err: unknown) => this.fail(toError(err)),
    )
  }

  #sendCredit(credit: Uint8Array): void {
    if (!this.#channel.isOpen) return
    try {
      this.#channel.enqueue(credit, this.#signalOptions)
    } catch (err) {
      this.fail(toError(err))
    }
  }
}
