import type { Actor } from './actor.ts'
import { EventHeap, type HeapEntry } from './event-heap.ts'

/** What kind of event it is, as the trace names it. */
export type EventKind = 'timer' | 'immediate' | 'arrive' | 'link' | 'wake' | 'task' | 'fault'

/** Something planned on the clock. */
export interface ClockEvent extends HeapEntry {
  readonly kind: EventKind
  readonly actor: Actor
  /** A number of its own for the trace: bytes of a message, delay of a timer. */
  readonly detail: number
  readonly run: () => void
  /** The timer whose time it is. */
  readonly timer: Clearable | undefined
  isCancelled: boolean
}

/** A timer, and whether somebody has to clear it before its node has ended. */
export interface Clearable {
  readonly isOwed: boolean
}

/** Is told of each event, just before it runs. */
export type EventListener = (event: ClockEvent) => void

/** Virtual time: events by time, then in the order they were planned. Knows nothing of the real world. */
export class VirtualClock {
  readonly #heap = new EventHeap<ClockEvent>()
  #order = 0
  nowMs = 0
  /** On whose behalf code runs now. */
  current: Actor
  onEvent: EventListener = () => {}

  constructor(scenario: Actor) {
    this.current = scenario
  }

  get size(): number {
    return this.#heap.size
  }

  /** When the next event happens, in virtual ms. */
  get nextAtMs(): number | undefined {
    return this.#heap.peek()?.atMs
  }

  /** Plans an event `delayMs` from now. */
  plan(kind: EventKind, actor: Actor, delayMs: number, run: () => void, detail = 0, timer?: Clearable): ClockEvent {
    return this.planAt(kind, actor, this.nowMs + delayMs, run, detail, timer)
  }

  /** Plans an event at a time, so that two events meant for one time get exactly that. */
  planAt(kind: EventKind, actor: Actor, atMs: number, run: () => void, detail = 0, timer?: Clearable): ClockEvent {
    const order = this.#order++
    const event: ClockEvent = { atMs, order, place: -1, kind, actor, detail, run, timer, isCancelled: false }
    this.#heap.push(event)
    return event
  }

  /** Timers of an actor that are to fire, and that somebody has to clear. */
  timersOf(actor: Actor): number {
    let count = 0
    for (const event of this.#heap) if (event.actor === actor && event.timer?.isOwed === true) count += 1
    return count
  }

  cancel(event: ClockEvent): void {
    event.isCancelled = true
    this.#heap.remove(event)
  }

  /** Lets the next event happen. Returns false when there is none. */
  step(): boolean {
    const event = this.#heap.pop()
    if (event === undefined) return false
    this.nowMs = event.atMs
    this.#dispatch(event)
    return true
  }

  clear(): void {
    this.#heap.clear()
  }

  #dispatch(event: ClockEvent): void {
    const { actor } = event
    if (!actor.isAlive || event.isCancelled) return
    if (actor.cpuMs > 0 || actor.backlog !== undefined) this.#dispatchSlowly(event, actor)
    else this.#run(event)
  }

  #run(event: ClockEvent): void {
    this.current = event.actor
    this.onEvent(event)
    event.run()
  }

  /** A busy node lets events wait in a queue of its own, and one wake-up in the heap stands for all of them. */
  #dispatchSlowly(event: ClockEvent, actor: Actor): void {
    if (event.kind === 'wake') {
      const next = actor.backlog?.shift()
      if (next === undefined) actor.backlog = undefined
      else this.#compute(next, actor)
      return
    }
    if (actor.backlog === undefined) this.#compute(event, actor)
    else actor.backlog.push(event)
  }

  #compute(event: ClockEvent, actor: Actor): void {
    actor.backlog ??= []
    actor.busyUntilMs = this.nowMs + actor.cpuMs
    this.plan('wake', actor, actor.cpuMs, () => {})
    if (!event.isCancelled) this.#run(event)
  }
}
