import { ByteBudget } from './byte-budget.ts'
import {
  DEFAULT_MAX_MESSAGE_BYTES,
  DEFAULT_MAX_PARTIAL_BYTES,
  DEFAULT_MAX_PARTIAL_MESSAGES,
  DEFAULT_PARTIAL_IDLE_MS,
  MAX_TIMEOUT_MS,
} from './constants.ts'
import { FramingError, MessageAbortedError, MessageRefusedError, REFUSAL_CODES } from './errors.ts'
import { FLAG_ABORT, FLAG_FIRST, FLAG_LAST, FLAG_WHOLE } from './frame.ts'
import type { FrameSink } from './frame-decoder.ts'
import { IdTable } from './id-table.ts'
import type { FrameChannelInit } from './index.ts'
import { PartialMessage } from './partial-message.ts'
import { checkRange } from './send-limits.ts'

/** Limits of what is received. */
export type ReassemblerInit = Pick<
  FrameChannelInit,
  'maxMessageBytes' | 'maxPartialMessages' | 'maxPartialBytes' | 'partialIdleMs' | 'partialBudget'
>

/** What a reassembler tells. */
export interface ReassemblerEvents {
  /** A message is complete. Returns whether the reassembler may go on with the next. */
  onMessage(bytes: Uint8Array): boolean
  /** A message will not be completed: we refused it, or its sender gave it up. `id` is that of a refused one. */
  onLost(error: MessageRefusedError | MessageAbortedError, id: number): void
  /** The receiver of our own message `id` refused it. */
  onRefused(id: number, error: MessageRefusedError): void
}

/** Puts the frames of interleaved messages together, within its limits. */
export class Reassembler implements FrameSink {
  readonly #events: ReassemblerEvents
  readonly #maxMessageBytes: number
  readonly #maxPartialMessages: number
  readonly #idleMs: number
  readonly #budget: ByteBudget
  readonly #partials = new IdTable<PartialMessage>()
  /** Ids of first frames only rise, so a frame of an id up to here without a partial message is a late one. */
  #lastId = -1

  constructor(events: ReassemblerEvents, init: ReassemblerInit = {}) {
    this.#events = events
    this.#maxMessageBytes = init.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES
    this.#maxPartialMessages = init.maxPartialMessages ?? DEFAULT_MAX_PARTIAL_MESSAGES
    this.#idleMs = init.partialIdleMs ?? DEFAULT_PARTIAL_IDLE_MS
    const bytes = init.maxPartialBytes ?? Math.max(DEFAULT_MAX_PARTIAL_BYTES, this.#maxMessageBytes)
    checkRange('maxPartialBytes', bytes, 1, Infinity)
    this.#budget = init.partialBudget ?? new ByteBudget(bytes)
    checkRange('maxPartialMessages', this.#maxPartialMessages, 1, Number.MAX_SAFE_INTEGER)
    checkRange('partialIdleMs', this.#idleMs, 1, MAX_TIMEOUT_MS)
    if (!(this.#budget.limit >= this.#maxMessageBytes)) {
      throw new RangeError(`maxPartialBytes ${this.#budget.limit} is below maxMessageBytes ${this.#maxMessageBytes}`)
    }
  }

  /** Time after which a partial message is given up, in ms. */
  get idleMs(): number {
    return this.#idleMs
  }

  /** Messages of which a part has come. */
  get partialMessages(): number {
    return this.#partials.size
  }

  onData(flags: number, id: number, total: number, bytes: Uint8Array): boolean {
    if ((flags & FLAG_FIRST) !== 0) {
      if (id <= this.#lastId) throw new FramingError(`Message id ${id} after ${this.#lastId}`)
      this.#lastId = id
      const refusal = this.#refusal(flags, total)
      if (refusal != null) {
        this.#events.onLost(refusal, id)
        return true
      }
      if (flags === FLAG_WHOLE) return this.#events.onMessage(bytes)
      this.#partials.set(id, new PartialMessage(total, this.#budget, performance.now()))
    }
    const partial = this.#partials.get(id)
    if (partial == null) {
      // The frames that were under way when we refused it.
      if (id <= this.#lastId) return true
      throw new FramingError(`A frame of message ${id}, which has not begun`)
    }
    const outcome = partial.add(bytes, performance.now())
    if (outcome === 'too-long') throw new FramingError(`Message ${id} is longer than its announced length`)
    if (outcome === 'no-room') {
      this.#refuse(id, new MessageRefusedError('too-many-bytes', 'us', this.#budget.limit))
      return true
    }
    return (flags & FLAG_LAST) === 0 || this.#finish(id, partial)
  }

  onControl(flags: number, id: number, value: number, code: number): boolean {
    if (flags === FLAG_ABORT) {
      if (this.#forget(id)) this.#events.onLost(new MessageAbortedError(), id)
    } else {
      this.#events.onRefused(id, new MessageRefusedError(REFUSAL_CODES[code] ?? 'other', 'them', value))
    }
    return true
  }

  /** Refuses the messages that come too slowly. Returns the ms until the next would be refused; Infinity for none. */
  expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const [id, partial] of this.#partials.entries()) {
      const left = partial.dueMs(this.#idleMs) - nowMs
      if (left > 0) {
        next = Math.min(next, left)
        continue
      }
      this.#refuse(id, new MessageRefusedError('idle', 'us', this.#idleMs))
    }
    return next
  }

  /** Starts the idle time of every message anew: it was us who did not read. */
  touch(nowMs: number): void {
    for (const [, partial] of this.#partials.entries()) partial.touch(nowMs)
  }

  /** Gives every partial message up, without a word. */
  clear(): void {
    for (const [id] of this.#partials.entries()) this.#forget(id)
  }

  #refusal(flags: number, total: number): MessageRefusedError | undefined {
    if (total > this.#maxMessageBytes) {
      return new MessageRefusedError('message-too-large', 'us', this.#maxMessageBytes)
    }
    if (flags === FLAG_WHOLE) return undefined
    if (this.#partials.size >= this.#maxPartialMessages) {
      return new MessageRefusedError('too-many-messages', 'us', this.#maxPartialMessages)
    }
    return undefined
  }

  #refuse(id: number, error: MessageRefusedError): void {
    this.#forget(id)
    this.#events.onLost(error, id)
  }

  #finish(id: number, partial: PartialMessage): boolean {
    const bytes = partial.finish()
    if (bytes == null) throw new FramingError(`Message ${id} ended after ${partial.received} of ${partial.total} bytes`)
    this.#forget(id)
    return this.#events.onMessage(bytes)
  }

  #forget(id: number): boolean {
    const partial = this.#partials.get(id)
    if (partial == null) return false
    this.#partials.delete(id)
    partial.release()
    return true
  }
}
