import { LANES, QueueFullError, type Lane, type Quota } from '@gridmesh/interfaces'
import { NotStartedError, TimeoutError } from '@libp2p/interface'
import { MAX_TIMER_MS } from './constants.ts'
import type { Limit, TrafficLimits } from './limits.ts'
import { UsageTable } from './usage-table.ts'

/** What all sends of a pacer share. */
export interface PacingContext {
  readonly burstMs: number
  readonly maxWaiters: number
  readonly maxWaitMs: number
  /** A clock that never goes back, in ms. */
  nowMs(): number
  /** Whether sends may wait. */
  isStarted(): boolean
}

/** What is to be sent. */
export interface PacedSend {
  readonly lane: Lane
  readonly messages: number
  readonly bytes: number
}

interface Waiter extends PacedSend {
  readonly untilMs: number
  resolve(): void
  reject(reason: Error): void
}

const UNLIMITED: Limit = { perSecond: Number.MAX_VALUE, burst: Number.MAX_VALUE }

/**
 * Sends to one peer that share one quota, the one that the peer announces at the time: the more urgent lane first, and
 * within a lane first come, first served.
 */
export class PacedSends {
  readonly #context: PacingContext
  readonly #quota: () => Quota | undefined
  readonly #usage = new UsageTable(1)
  readonly #slot: number
  /** The most urgent first. */
  readonly #queues = LANES.map((lane) => ({ lane, waiters: new Set<Waiter>() }))
  #waiting = 0
  #limits: TrafficLimits = { messages: UNLIMITED, bytes: UNLIMITED, streams: UNLIMITED }
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(context: PacingContext, quota: () => Quota | undefined) {
    this.#context = context
    this.#quota = quota
    this.#slot = this.#usage.add(context.nowMs())
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Whether nobody waits, and the peer would take as much as from a stranger, or is gone with its quota. */
  isIdle(): boolean {
    if (this.#waiting > 0) return false
    // What a quota of next to nothing leaves owed would otherwise be held for ever.
    return !this.#readQuota() || this.#usage.isIdle(this.#slot, this.#limits, this.#context.nowMs())
  }

  /**
   * Resolves when the cost is within the quota, and charges it then. Not an async function: who passes at once must
   * not overtake, by a microtask or two, somebody who was let pass just before.
   */
  pass(send: PacedSend, signal: AbortSignal | undefined): Promise<void> {
    if ((this.#waiting === 0 || !this.#isBehind(send.lane)) && this.#tryCharge(send) === 0) return Promise.resolve()

    const { maxWaiters } = this.#context
    if (!this.#context.isStarted())
      throw new NotStartedError('Sending over the quota of a peer needs a started rate limiter')
    // The timer may be due and not yet served.
    if (this.#waiting >= maxWaiters) this.#serve()
    if (this.#waiting >= maxWaiters && !this.#evictBelow(send.lane)) throw this.#full(send.lane)
    return this.#enqueue(send, signal)
  }

  /** Fails every send that waits. */
  clear(reason: Error): void {
    this.#disarm()
    for (const { waiters } of this.#queues) for (const waiter of waiters) this.#fail(waiter, reason)
  }

  #enqueue(send: PacedSend, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      this.#fail(waiter, signal?.reason)
      this.#serve()
    }
    const waiter: Waiter = {
      ...send,
      untilMs: this.#context.nowMs() + this.#context.maxWaitMs,
      resolve: () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      reject: (reason) => {
        signal?.removeEventListener('abort', onAbort)
        reject(reason)
      },
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waitersOf(send.lane)?.add(waiter)
    this.#waiting += 1
    this.#serve()
    return promise
  }

  /** Lets pass who may, from the front, and sets the timer for the first who may not. */
  #serve(): void {
    this.#disarm()
    for (let waiter = this.#first(); waiter !== undefined; waiter = this.#first()) {
      const waitMs = this.#tryCharge(waiter)
      if (waitMs === 0) {
        this.#remove(waiter)
        waiter.resolve()
        continue
      }
      const leftMs = this.#expire()
      if (this.#first() !== waiter) continue
      this.#timer = setTimeout(() => this.#serve(), Math.min(waitMs, Math.ceil(leftMs), MAX_TIMER_MS))
      return
    }
  }

  /** Fails whoever waited for too long, in any lane, and returns the time left to the next one, in ms. */
  #expire(): number {
    const nowMs = this.#context.nowMs()
    let leftMs = Infinity
    for (const { waiters } of this.#queues) {
      for (const waiter of waiters) {
        // All wait equally long, so in a lane nobody's time is up before that of the first.
        if (waiter.untilMs > nowMs) {
          leftMs = Math.min(leftMs, waiter.untilMs - nowMs)
          break
        }
        this.#fail(waiter, new TimeoutError(`The quota of the peer left no room within ${this.#context.maxWaitMs} ms`))
      }
    }
    return leftMs
  }

  #first(): Waiter | undefined {
    for (const { waiters } of this.#queues) for (const waiter of waiters) return waiter
    return undefined
  }

  /** Whether somebody waits who goes before a new send of `lane`. */
  #isBehind(lane: Lane): boolean {
    for (const queue of this.#queues) {
      if (queue.waiters.size > 0) return true
      if (queue.lane === lane) return false
    }
    return false
  }

  /** Makes room for a send of `lane` at the cost of the newest less urgent one. */
  #evictBelow(lane: Lane): boolean {
    for (const queue of this.#queues.toReversed()) {
      if (queue.lane === lane) return false
      const newest = [...queue.waiters].at(-1)
      if (newest === undefined) continue
      this.#fail(newest, this.#full(newest.lane))
      return true
    }
    return false
  }

  #full(lane: Lane): QueueFullError {
    return new QueueFullError('maxWaitersPerPeer', this.#context.maxWaiters, lane)
  }

  #fail(waiter: Waiter, reason: Error): void {
    this.#remove(waiter)
    waiter.reject(reason)
  }

  #remove(waiter: Waiter): void {
    if (this.#waitersOf(waiter.lane)?.delete(waiter) === true) this.#waiting -= 1
  }

  #waitersOf(lane: Lane): Set<Waiter> | undefined {
    return this.#queues.find((queue) => queue.lane === lane)?.waiters
  }

  /** Charges the cost, or charges nothing and returns the time until it fits, in ms. */
  #tryCharge({ messages, bytes }: PacedSend): number {
    if (!this.#readQuota()) return 0
    const nowMs = this.#context.nowMs()
    if (this.#usage.tryCharge(this.#slot, this.#limits, messages, bytes, 0, nowMs)) return 0
    return this.#usage.excess(this.#slot, this.#limits, messages, bytes, 0, nowMs).waitMs
  }

  /** Whether a quota is known. What was charged under another one stays charged. */
  #readQuota(): boolean {
    const quota = this.#quota()
    if (quota === undefined) return false
    const { messages, bytes } = this.#limits
    if (quota.messagesPerSecond !== messages.perSecond || quota.bytesPerSecond !== bytes.perSecond) {
      this.#limits = {
        messages: this.#limitOf(quota.messagesPerSecond),
        bytes: this.#limitOf(quota.bytesPerSecond),
        streams: UNLIMITED,
      }
    }
    return true
  }

  // The number comes from the peer. On the wire 0 is also what an unset field reads as, so it cannot mean "nothing".
  #limitOf(perSecond: number): Limit {
    if (!(perSecond > 0 && perSecond < Infinity)) return UNLIMITED
    return { perSecond, burst: Math.min((perSecond * this.#context.burstMs) / 1_000, Number.MAX_VALUE) }
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
