import { AsyncResource } from 'node:async_hooks'
import type { Actor } from './actor.ts'
import type { Clearable, ClockEvent, VirtualClock } from './virtual-clock.ts'

/** Longest delay of a timer of Node.js; a longer one becomes 1 ms, there and here. */
const MAX_DELAY_MS = 2 ** 31 - 1

export function timerDelay(delay: unknown): number {
  const delayMs = Number(delay)
  return delayMs >= 1 && delayMs <= MAX_DELAY_MS ? Math.trunc(delayMs) : 1
}

let nextTimerId = 1

/**
 * What Node.js asks of all of them: a callback has the asynchronous context in which its timer was made. A simulation
 * ends with its scenario, whoever has a reference.
 */
class Timer extends AsyncResource {
  #isRef = true

  ref(): this {
    this.#isRef = true
    return this
  }

  unref(): this {
    this.#isRef = false
    return this
  }

  hasRef(): boolean {
    return this.#isRef
  }
}

/** What a timer calls; `this` is the timer, as in Node.js. */
export type TimerCallback = (this: unknown) => void

/** What `setTimeout` and `setInterval` return: as the `Timeout` of Node.js. */
export class SimTimeout extends Timer implements Clearable {
  readonly #clock: VirtualClock
  readonly #actor: Actor
  readonly #callback: TimerCallback
  readonly #delayMs: number
  readonly #repeats: boolean
  #event: ClockEvent | undefined
  #isClosed = false
  #id: number | undefined

  constructor(clock: VirtualClock, callback: TimerCallback, delayMs: number, repeats: boolean) {
    super('Timeout')
    this.#clock = clock
    this.#actor = clock.current
    this.#callback = callback
    this.#delayMs = delayMs
    this.#repeats = repeats
    this.#plan()
  }

  /** Nobody can clear that of `AbortSignal.timeout`, which fires once and keeps nothing from ending. */
  get isOwed(): boolean {
    return this.#repeats || this.hasRef()
  }

  /** Begins its time anew, also after it has fired; one that was cleared stays so. */
  refresh(): this {
    if (this.#isClosed) return this
    if (this.#event !== undefined) this.#clock.cancel(this.#event)
    this.#plan()
    return this
  }

  close(): this {
    this.#isClosed = true
    if (this.#event !== undefined) this.#clock.cancel(this.#event)
    this.#forget()
    return this
  }

  [Symbol.toPrimitive](): number {
    this.#id ??= nextTimerId++
    timersById.set(this.#id, this)
    return this.#id
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #plan(): void {
    this.#event = this.#clock.plan('timer', this.#actor, this.#delayMs, this.#fire, this.#delayMs, this)
  }

  #forget(): void {
    this.#event = undefined
    if (this.#id !== undefined) timersById.delete(this.#id)
  }

  // A callback that throws does not end its interval: the run goes on, as a process does that listens for the error.
  readonly #fire = (): void => {
    const event = this.#event
    try {
      this.runInAsyncScope(this.#callback, this)
    } finally {
      // The callback may have closed or renewed the timer.
      if (this.#event === event) {
        if (this.#repeats) this.#plan()
        else this.#forget()
      }
    }
  }
}

/** Timers that somebody turned into a number, as Node.js keeps them. */
const timersById = new Map<number, SimTimeout>()

/** The simulated timer meant by what was given to `clearTimeout`, if it is one. */
export function findTimer(timer: unknown): SimTimeout | undefined {
  if (timer instanceof SimTimeout) return timer
  return typeof timer === 'number' || typeof timer === 'string' ? timersById.get(Number(timer)) : undefined
}

export function forgetTimers(): void {
  timersById.clear()
}

/** What `setImmediate` returns. */
export class SimImmediate extends Timer {
  readonly #clock: VirtualClock
  readonly #event: ClockEvent

  constructor(clock: VirtualClock, callback: TimerCallback) {
    super('Immediate')
    this.#clock = clock
    this.#event = clock.plan('immediate', clock.current, 0, () => this.runInAsyncScope(callback, this))
  }

  close(): void {
    this.#clock.cancel(this.#event)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
