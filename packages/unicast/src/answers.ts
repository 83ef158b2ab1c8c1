import type { FrameChannel, MessageOptions, MessageRefusedError } from '@gridmesh/chunking'
import { type Lane, QueueFullError } from '@gridmesh/interfaces'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Outcome } from './answer-memory.ts'
import { REFUSABLE_BYTES } from './constants.ts'
import type { Core } from './core.ts'
import { demandSize } from './payload-size.ts'
import { ReceiptBatch } from './receipt-batch.ts'
import { toWireError } from './remote-errors.ts'
import { toError } from './timeout.ts'
import type { ByteQueue, UnreadMeter } from './unread-meter.ts'
import { encodeError, encodePayload, TYPE, type WireError } from './wire.ts'

const RECEIPT: Outcome = { payload: new Uint8Array(0) }

/** What goes back on one stream for questions: answers, refusals and receipts, within the bounds of what is unread. */
export class Answers implements ByteQueue {
  readonly peer: string
  readonly #core: Core
  readonly #lane: Lane
  readonly #options: { lane: Lane }
  readonly #channel: FrameChannel
  readonly #onSent: (bytes: number) => void
  readonly #receipts = new ReceiptBatch((ids) => {
    for (const id of ids) this.answer(id, RECEIPT)
  })

  /** `onSent` is told the length of each message that was queued. */
  constructor(core: Core, peer: string, lane: Lane, channel: FrameChannel, onSent: (bytes: number) => void) {
    this.#core = core
    this.peer = peer
    this.#lane = lane
    this.#options = { lane }
    this.#channel = channel
    this.#onSent = onSent
  }

  /** Bytes that the caller has not read. */
  get queuedBytes(): number {
    return this.#channel.queuedBytes
  }

  answer(id: number, outcome: Outcome): void {
    if ('error' in outcome) {
      this.refuse(id, outcome.error)
      return
    }
    this.#core.metrics.handled('ok')
    try {
      demandSize(outcome.payload, this.#core.limits.maxMessageBytes)
      const response = encodePayload(TYPE.response, id, outcome.payload)
      this.demandRoom(response.byteLength)
      this.#send(response, response.byteLength < REFUSABLE_BYTES ? this.#options : this.#refusable(id))
    } catch (err) {
      this.refuse(id, toWireError(err))
    }
  }

  /** Answers with a receipt, in `delayMs` at the latest. */
  receive(id: number, delayMs: number): void {
    this.#receipts.add(id, delayMs)
  }

  refuse(id: number, error: WireError): void {
    const { code } = error
    const isOwn = code === 'busy' || code === 'rate-limited' || code === 'unknown-handler'
    this.#core.metrics.handled(isOwn ? code : 'failed')
    try {
      this.#send(encodeError(id, error), this.#options)
    } catch (err) {
      // No room even for that: the caller reads nothing, and the other calls on the stream are lost to it too.
      this.abort(toError(err))
    }
  }

  abort(error: Error): void {
    this.#channel.abort(error)
  }

  /** Looks at what is unread: items, and what was read meanwhile, go past us. */
  note(): void {
    this.#unread.note(this)
  }

  /**
   * Makes room where all callers together have read too little of their answers: a peer that has left more unread than
   * this one loses streams.
   *
   * @throws {QueueFullError} when there is none
   */
  demandRoom(bytes: number): void {
    while (!this.#unread.hasRoom(bytes)) {
      const full = new QueueFullError('maxUnreadBytesInAll', this.#unread.limit, this.#lane)
      const other = this.#unread.toGiveWay(this.peer, bytes)
      if (other == null) throw full
      other.abort(full)
    }
  }

  /** Sends the receipts that wait for others. */
  flush(): void {
    this.#receipts.flush()
  }

  /** The stream is gone: nothing waits any more. */
  close(): void {
    this.#receipts.clear()
    this.#unread.forget(this)
  }

  get #unread(): UnreadMeter {
    return this.#core.budgets(this.#lane).unread
  }

  /** A caller without room for its answer is told so: it knows what it refused, and not of which call that was. */
  #refusable(id: number): MessageOptions {
    const onRefused = (error: MessageRefusedError): void => {
      this.refuse(id, { ...toWireError(error), message: `The caller refused the answer: ${error.code}` })
    }
    return { ...this.#options, onRefused }
  }

  #send(message: Uint8Array | Uint8ArrayList, options: MessageOptions): void {
    // They go along.
    this.#receipts.flush()
    if (!this.#channel.isOpen) return
    this.#channel.enqueue(message, options)
    this.note()
    this.#onSent(message.byteLength)
    // A caller that does not read its answers gets no further questions in.
    if (this.#channel.queuedBytes > this.#core.limits.maxUnreadBytes) this.#channel.pause()
  }
}
