import type { Actor } from '../clock/actor.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'

const MS_PER_SECOND = 1_000

/** Bytes that wait at a port, of one flow. */
export interface PortQueue {
  /** Bytes of the next segment, or undefined while there is none that may go. */
  nextBytes(): number | undefined
  /** Takes the next segment out; its last byte is through at `untilMs`. */
  take(untilMs: number): void
}

/**
 * A network card in one direction: one segment at a time, flows in turn. Turns at every port, and a window for every
 * flow, share bandwidth max–min fair (Hahne, 1991), without solving for the rates of all flows at each change.
 */
export class FairPort {
  readonly #clock: VirtualClock
  readonly #card: Actor
  readonly #bytesPerMs: number
  readonly #waiting: PortQueue[] = []
  #busyUntilMs = 0
  #isWoken = false

  constructor(clock: VirtualClock, card: Actor, bytesPerSecond: number) {
    this.#clock = clock
    this.#card = card
    this.#bytesPerMs = bytesPerSecond / MS_PER_SECOND
  }

  get bytesPerMs(): number {
    return this.#bytesPerMs
  }

  /** Notes that a queue may have a segment to send. */
  offer(queue: PortQueue): void {
    if (!this.#waiting.includes(queue)) this.#waiting.push(queue)
    this.#serve()
  }

  #serve(): void {
    if (this.#clock.nowMs < this.#busyUntilMs) {
      this.#wake()
      return
    }
    for (;;) {
      const queue = this.#waiting.shift()
      if (queue === undefined) return
      const bytes = queue.nextBytes()
      if (bytes === undefined) continue
      this.#busyUntilMs = this.#clock.nowMs + bytes / this.#bytesPerMs
      queue.take(this.#busyUntilMs)
      if (queue.nextBytes() !== undefined) this.#waiting.push(queue)
      if (this.#waiting.length > 0) this.#wake()
      return
    }
  }

  #wake(): void {
    if (this.#isWoken) return
    this.#isWoken = true
    this.#clock.planAt('link', this.#card, this.#busyUntilMs, () => {
      this.#isWoken = false
      this.#serve()
    })
  }
}
