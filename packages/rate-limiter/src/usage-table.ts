import type { Limit, TrafficLimits } from './limits.ts'
import { fits, remaining, waitMs } from './owed.ts'

/** A limit that is exceeded, and the time until it no longer is. */
export interface Excess {
  limit: 'messagesPerSecond' | 'bytesPerSecond' | 'streamsPerSecond'
  value: number
  waitMs: number
}

const CELLS = 4
const MESSAGES = 0
const BYTES = 1
const STREAMS = 2
const AT_MS = 3
const INITIAL_SLOTS = 16

/**
 * What each key owes, in four numbers a key. All are kept in one array: numbers in objects are allocated anew with
 * every change, and lie far apart. A key is known by its slot.
 */
export class UsageTable {
  #cells: Float64Array
  #used = 0
  readonly #free: number[] = []

  constructor(slots = INITIAL_SLOTS) {
    this.#cells = new Float64Array(slots * CELLS)
  }

  /** Gives a slot to a key that owes nothing. */
  add(nowMs: number): number {
    const slot = this.#free.pop() ?? this.#used++
    if (slot * CELLS >= this.#cells.length) {
      const grown = new Float64Array(this.#cells.length * 2)
      grown.set(this.#cells)
      this.#cells = grown
    }
    const at = slot * CELLS
    this.#cells.fill(0, at, at + CELLS)
    this.#cells[at + AT_MS] = nowMs
    return slot
  }

  /** Takes the slot back. */
  remove(slot: number): void {
    this.#free.push(slot)
  }

  /** Whether nothing is owed any more. */
  isIdle(slot: number, limits: TrafficLimits, nowMs: number): boolean {
    return (
      this.#owed(slot, MESSAGES, limits.messages, nowMs) === 0 &&
      this.#owed(slot, BYTES, limits.bytes, nowMs) === 0 &&
      this.#owed(slot, STREAMS, limits.streams, nowMs) === 0
    )
  }

  /** Charges all three costs where all fit, else charges nothing and returns `false`. */
  tryCharge(
    slot: number,
    limits: TrafficLimits,
    messages: number,
    bytes: number,
    streams: number,
    nowMs: number,
  ): boolean {
    const cells = this.#cells
    const at = slot * CELLS
    const elapsedMs = nowMs - (cells[at + AT_MS] ?? nowMs)
    const owedMessages = remaining(cells[at + MESSAGES] ?? 0, elapsedMs, limits.messages)
    const owedBytes = remaining(cells[at + BYTES] ?? 0, elapsedMs, limits.bytes)
    const owedStreams = remaining(cells[at + STREAMS] ?? 0, elapsedMs, limits.streams)
    if (!fits(owedMessages, messages, limits.messages)) return false
    if (!fits(owedBytes, bytes, limits.bytes)) return false
    if (!fits(owedStreams, streams, limits.streams)) return false
    cells[at + MESSAGES] = owedMessages + messages
    cells[at + BYTES] = owedBytes + bytes
    cells[at + STREAMS] = owedStreams + streams
    cells[at + AT_MS] = nowMs
    return true
  }

  /** The limit that takes longest to give way to the costs; its wait is 0 when all fit. */
  excess(slot: number, limits: TrafficLimits, messages: number, bytes: number, streams: number, nowMs: number): Excess {
    const ofMessages = waitMs(this.#owed(slot, MESSAGES, limits.messages, nowMs), messages, limits.messages)
    const ofBytes = waitMs(this.#owed(slot, BYTES, limits.bytes, nowMs), bytes, limits.bytes)
    const ofStreams = waitMs(this.#owed(slot, STREAMS, limits.streams, nowMs), streams, limits.streams)
    if (ofMessages >= ofBytes && ofMessages >= ofStreams) {
      return { limit: 'messagesPerSecond', value: limits.messages.perSecond, waitMs: ofMessages }
    }
    if (ofBytes >= ofStreams) return { limit: 'bytesPerSecond', value: limits.bytes.perSecond, waitMs: ofBytes }
    return { limit: 'streamsPerSecond', value: limits.streams.perSecond, waitMs: ofStreams }
  }

  #owed(slot: number, cell: number, limit: Limit, nowMs: number): number {
    const at = slot * CELLS
    return remaining(this.#cells[at + cell] ?? 0, nowMs - (this.#cells[at + AT_MS] ?? nowMs), limit)
  }
}
