import { AbortError, TimeoutError } from '@libp2p/interface'
import type { Lane } from '@gridmesh/interfaces'
import { LaneQueues } from './lane-queues.ts'
import type { LaneQueuesInit, PutOutcome, Queueable } from './lane-queues.ts'

/** A message that waits for its handler. */
export interface Job extends Queueable {
  /** Runs the handler. */
  run(): unknown
  /** The caller has given up, so running is in vain. */
  isCancelled(): boolean
  /** Tells a running handler, or whoever waits for it, that it is over. */
  cancel(reason: Error): void
}

/** Why a job was not run. */
export type DropReason = 'queue-full' | 'evicted' | 'shed' | 'cancelled' | 'stopped'

/** Limits of the dispatcher. */
export interface DispatcherInit extends LaneQueuesInit {
  maxRunning: Readonly<Record<Lane, number>>
  sliceMs: number
  handlerTimeoutMs: number
}

/** How a handler ended: it returned, it threw, it was late, or the dispatcher stopped. */
export type End = { how: 'returned' } | { how: 'threw' | 'late' | 'stopped'; error: unknown }

/** What the dispatcher tells; none of it may throw. */
export interface DispatcherHooks<J> {
  /** The handler ended, or is no longer waited for. Called once for each job that was started. */
  onEnded(job: J, tookMs: number, end: End): void
  /** Called once for each job that was never started. */
  onDropped(job: J, reason: DropReason): void
}

/**
 * Runs jobs, the highest lane first and its senders by turns, in slices: between two of them the event loop gets to everything else.
 * Every job that is put ends in exactly one call of a hook.
 */
export class Dispatcher<J extends Job> {
  readonly #init: DispatcherInit
  readonly #hooks: DispatcherHooks<J>
  readonly #queues: LaneQueues<J>
  /** Jobs whose handler has not ended, by the time they started, the oldest first. */
  readonly #running = new Map<J, number>()
  readonly #runningIn: Record<Lane, number> = { critical: 0, high: 0, normal: 0, bulk: 0 }
  #slice: ReturnType<typeof setImmediate> | undefined
  #deadline: ReturnType<typeof setTimeout> | undefined
  #idle: PromiseWithResolvers<void> | undefined

  constructor(init: DispatcherInit, hooks: DispatcherHooks<J>) {
    this.#init = init
    this.#hooks = hooks
    this.#queues = new LaneQueues(init)
  }

  get queues(): Pick<LaneQueues<J>, 'isFull' | 'sizeOf' | 'size' | 'bytes'> {
    return this.#queues
  }

  /** Handlers that have not ended. */
  get running(): number {
    return this.#running.size
  }

  /** Queues `job`; one that does not fit is dropped, as is what made room for it. */
  put(job: J): PutOutcome<J> {
    const outcome = this.#queues.put(job)
    if (outcome.ok) {
      for (const evicted of outcome.evicted) this.#hooks.onDropped(evicted, 'evicted')
      if (outcome.displaced != null) this.#hooks.onDropped(outcome.displaced, 'queue-full')
      this.#schedule()
    } else {
      this.#hooks.onDropped(job, 'queue-full')
    }
    return outcome
  }

  /** Resolves as soon as nothing waits and nothing runs. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  /** Drops what waits, cancels what runs, and leaves no timer. Returns how many jobs that were, in all. */
  stop(): number {
    clearImmediate(this.#slice)
    clearTimeout(this.#deadline)
    this.#slice = undefined
    this.#deadline = undefined

    const lost = this.#queues.size + this.#running.size
    for (;;) {
      const job = this.#queues.next(() => true)
      if (job == null) break
      this.#hooks.onDropped(job, 'stopped')
    }
    for (const [job, startedAt] of this.#running) {
      const error = new AbortError('The router stopped')
      this.#leave(job)
      job.cancel(error)
      this.#hooks.onEnded(job, performance.now() - startedAt, { how: 'stopped', error })
    }
    this.#settleIdle()
    return lost
  }

  readonly #mayServe = (lane: Lane): boolean => this.#runningIn[lane] < this.#init.maxRunning[lane]

  #schedule(): void {
    // Always by way of the event loop, never a microtask: handlers that end at once would chain for ever.
    if (this.#slice == null && this.#queues.hasNext(this.#mayServe)) {
      this.#slice = setImmediate(() => this.#runSlice())
    }
  }

  #runSlice(): void {
    this.#slice = undefined
    const endsAt = performance.now() + this.#init.sliceMs
    do {
      const job = this.#queues.next(this.#mayServe)
      if (job == null) break
      if (job.isCancelled()) this.#hooks.onDropped(job, 'cancelled')
      else this.#run(job)
    } while (performance.now() < endsAt)
    this.#schedule()
    this.#settleIdle()
  }

  #run(job: J): void {
    const startedAt = performance.now()
    let result: unknown
    try {
      result = job.run()
    } catch (err) {
      this.#hooks.onEnded(job, performance.now() - startedAt, { how: 'threw', error: err })
      return
    }
    if (!isThenable(result)) {
      this.#hooks.onEnded(job, performance.now() - startedAt, { how: 'returned' })
      return
    }
    this.#running.set(job, startedAt)
    this.#runningIn[job.lane]++
    this.#armDeadline(this.#init.handlerTimeoutMs)
    Promise.resolve(result).then(
      () => this.#end(job, { how: 'returned' }),
      (error: unknown) => this.#end(job, { how: 'threw', error }),
    )
  }

  #end(job: J, end: End): void {
    const startedAt = this.#running.get(job)
    // Given up before: its slot is free already and its end was told.
    if (startedAt == null) return
    this.#leave(job)
    this.#hooks.onEnded(job, performance.now() - startedAt, end)
    this.#schedule()
    this.#settleIdle()
  }

  /** One timer for all: every handler has the same time, so the oldest is always the next to run out. */
  #armDeadline(delayMs: number): void {
    this.#deadline ??= setTimeout(() => {
      this.#deadline = undefined
      this.#expire()
    }, delayMs)
  }

  #expire(): void {
    const { handlerTimeoutMs } = this.#init
    const now = performance.now()
    for (const [job, startedAt] of this.#running) {
      const leftMs = startedAt + handlerTimeoutMs - now
      if (leftMs > 0) {
        this.#armDeadline(Math.ceil(leftMs))
        break
      }
      const error = new TimeoutError(`The handler did not end within handlerTimeoutMs, which is ${handlerTimeoutMs}`)
      job.cancel(error)
      this.#end(job, { how: 'late', error })
    }
  }

  #leave(job: J): void {
    if (this.#running.delete(job)) this.#runningIn[job.lane]--
  }

  #isIdle(): boolean {
    return this.#queues.size === 0 && this.#running.size === 0
  }

  #settleIdle(): void {
    if (this.#idle == null || !this.#isIdle()) return
    this.#idle.resolve()
    this.#idle = undefined
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value != null && 'then' in value && typeof value.then === 'function'
}
