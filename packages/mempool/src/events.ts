import type { PoolTransaction } from './chain.ts'
import type { RemovalReason } from './changes.ts'
import type { Refusal } from './refusal.ts'

/** A transaction that is not held any more. */
export interface RemovedTransaction<T extends PoolTransaction = PoolTransaction> {
  readonly transaction: T
  readonly reason: RemovalReason
  /** In words, with limit and value where one is the reason. */
  readonly message: string
  /** Whether it was waiting, and so not in the pool. */
  readonly wasWaiting: boolean
}

/** Events of the mempool. */
export interface MempoolEvents<T extends PoolTransaction = PoolTransaction> {
  /** A transaction is in the pool: a block may have it. */
  'transaction:added': CustomEvent<{ transaction: T }>
  /** A transaction waits for what it builds on; `missing` says for what. */
  'transaction:waiting': CustomEvent<{ transaction: T; missing: Refusal }>
  /** A transaction is not held any more, or a reverted one did not come back. */
  'transaction:removed': CustomEvent<RemovedTransaction<T>>
  /** The log could not be read or written; it is written anew with the next change. */
  'mempool:log-failed': CustomEvent<{ message: string }>
}

/** An event target that knows its events. */
export class TypedTarget<Events extends { [Name in keyof Events]: CustomEvent }> {
  readonly #target = new EventTarget()
  /** By the listeners they call; an event target keeps each once for a name. */
  readonly #callers = new WeakMap<object, Map<string, EventListener>>()

  /** Calls `listener` with each event of the name. What it throws ends the process, as with every event target. */
  addEventListener<Name extends keyof Events & string>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options?: AddEventListenerOptions,
  ): void {
    const callers = this.#callers.get(listener) ?? new Map<string, EventListener>()
    this.#callers.set(listener, callers)
    const caller =
      callers.get(name) ??
      ((event: Event): void => {
        if (isNamed<Events, Name>(event, name)) listener(event)
      })
    callers.set(name, caller)
    this.#target.addEventListener(name, caller, options)
  }

  /** Ends what `addEventListener` began. */
  removeEventListener<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#target.removeEventListener(name, this.#callers.get(listener)?.get(name) ?? null)
  }

  protected dispatch<Name extends keyof Events & string>(name: Name, detail: Events[Name]['detail']): void {
    this.#target.dispatchEvent(new CustomEvent(name, { detail }))
  }
}

/** Only `dispatch` makes events here, and it gives each name its detail. */
function isNamed<Events, Name extends keyof Events & string>(event: Event, name: Name): event is Event & Events[Name] {
  return event.type === name
}
