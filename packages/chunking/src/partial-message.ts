import type { ByteBudget } from './byte-budget.ts'
import { LEAST_PARTIAL_BYTES_PER_SECOND, MAX_PARTIAL_IDLE_TIMES, MAX_ROOM_AHEAD } from './constants.ts'

const NOTHING = new Uint8Array(0)

/**
 * A message of which a part has come, in one piece of memory: views of what it came in would each keep a whole network
 * buffer, and would be put together in the end all the same. Memory is taken from the budget as the message comes, and
 * not as it is announced, since to announce costs nothing.
 */
export class PartialMessage {
  readonly total: number
  readonly #budget: ByteBudget
  #bytes: Uint8Array = NOTHING
  #received = 0
  /** When it began, and when the last piece came, by `performance.now()`, without the time we did not read. */
  #begunMs: number
  #touchedMs: number

  constructor(total: number, budget: ByteBudget, nowMs: number) {
    this.total = total
    this.#budget = budget
    this.#begunMs = nowMs
    this.#touchedMs = nowMs
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received
  }

  /** Adds the next piece. Takes nothing where it goes past the total, or past the budget. */
  add(piece: Uint8Array, nowMs: number): 'added' | 'too-long' | 'no-room' {
    const received = this.#received + piece.byteLength
    if (received > this.total) return 'too-long'
    if (received > this.#bytes.byteLength && !this.#grow(received)) return 'no-room'
    this.#touchedMs = nowMs
    this.#bytes.set(piece, this.#received)
    this.#received = received
    return 'added'
  }

  /** When it is to be given up: no piece came for `idleMs`, or too few for the time it has taken. */
  dueMs(idleMs: number): number {
    const earnedMs = (this.#received * 1_000) / LEAST_PARTIAL_BYTES_PER_SECOND
    return Math.min(this.#touchedMs + idleMs, this.#begunMs + MAX_PARTIAL_IDLE_TIMES * idleMs + earnedMs)
  }

  /** The time since the last piece is not held against it. */
  touch(nowMs: number): void {
    this.#begunMs += nowMs - this.#touchedMs
    this.#touchedMs = nowMs
  }

  /** The whole message; undefined where bytes are missing. */
  finish(): Uint8Array | undefined {
    return this.#received === this.total ? this.#bytes : undefined
  }

  /** Gives the budget back. */
  release(): void {
    this.#budget.release(this.#bytes.byteLength)
  }

  /** Takes room for more than came, so that a message of a few frames does not move, and a large one not often. */
  #grow(received: number): boolean {
    const room = Math.min(this.total, MAX_ROOM_AHEAD * received)
    if (!this.#budget.tryTake(room - this.#bytes.byteLength)) return false
    const bytes = allocate(room)
    bytes.set(this.#bytes.subarray(0, this.#received))
    this.#bytes = bytes
    return true
  }
}

/** Memory of its own, not zeroed: every byte of it is written before anybody sees it. */
function allocate(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}
