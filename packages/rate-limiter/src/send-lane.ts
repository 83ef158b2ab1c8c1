import { QueueFullError, type Quota } from '@gridmesh/interfaces'
import { NotStartedError, TimeoutError } from '@libp2p/interface'
import { MAX_TIMER_MS } from './constants.ts'
import type { Limit, TrafficLimits } from './limits.ts'
import { UsageTable } from './usage-table.ts'

/** What all lanes of a pacer share. */
export interface SendLaneContext {
  readonly burstMs: number
  readonly maxWaiters: number
  readonly maxWaitMs: number
  /** A clock that never goes back, in ms. */
  nowMs(): number
  /** Whether sends may wait. */
  isStarted(): boolean
}

interface Waiter {
  readonly messages: number
  readonly bytes: number
  readonly untilMs: number
  resolve(): void
  reject(reason: Error): void
}

const UNLIMITED: Limit = { perSecond: Number.MAX_VALUE, burst: Number.MAX_VALUE }

/** The sends to one peer: first come, first served, within the quota the peer announces at the time. */
export class SendLane {
  readonly #context: SendLaneContext
  readonly #quota: () => Quota | undefined
  readonly #usage = new UsageTable(1)
  readonly #slot: number
  readonly #waiters = new Set<Waiter>()
  #limits: TrafficLimits = { messages: UNLIMITED, bytes: UNLIMITED, streams: UNLIMITED }
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(context: SendLaneContext, quota: () => Quota | undefined) {
    this.#context = context
    this.#quota = quota
    this.#slot = this.#usage.add(context.nowMs())
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Whether nobody waits, and the peer would take as much as from a stranger. */
  isIdle(): boolean {
    return this.#waiters.size === 0 && this.#usage.isIdle(this.#slot, this.#limits, this.#context.nowMs())
  }

  /**
   * Resolves when the cost is within the quota, and charges it then. Not an async function: who passes at once must
   * not overtake, by a microtask or two, somebody who was let pass just before.
   */
  pass(messages: number, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiters.size === 0 && this.#tryCharge(messages, bytes) === 0) return Promise.resolve()

    const { maxWaiters } = this.#context
    if (!this.#context.isStarted())
      throw new NotStartedError('Sending over the quota of a peer needs a started rate limiter')
    // The timer may be due and not yet served.
    if (this.#waiters.size >= maxWaiters) this.#serve()
    if (this.#waiters.size >= maxWaiters) throw new QueueFullError('maxWaitersPerPeer', maxWaiters)
    return this.#enqueue(messages, bytes, signal)
  }

  /** Fails every send that waits. */
  clear(reason: Error): void {
    this.#disarm()
    for (const waiter of this.#waiters) waiter.reject(reason)
    this.#waiters.clear()
  }

  #enqueue(messages: number, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      this.#waiters.delete(waiter)
      reject(signal?.reason)
      this.#serve()
    }
    const waiter: Waiter = {
      messages,
      bytes,
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
    this.#waiters.add(waiter)
    this.#serve()
    return promise
  }

  /** Lets pass who may, from the front, and sets the timer for the first who may not. */
  #serve(): void {
    this.#disarm()
    for (const waiter of this.#waiters) {
      const waitMs = this.#tryCharge(waiter.messages, waiter.bytes)
      const leftMs = waiter.untilMs - this.#context.nowMs()
      if (waitMs > 0 && leftMs > 0) {
        // One timer will do: all wait equally long, so nobody's time is up before that of the first.
        this.#timer = setTimeout(() => this.#serve(), Math.min(waitMs, Math.ceil(leftMs), MAX_TIMER_MS))
        return
      }
      this.#waiters.delete(waiter)
      if (waitMs === 0) waiter.resolve()
      else waiter.reject(new TimeoutError(`The quota of the peer left no room within ${this.#context.maxWaitMs} ms`))
    }
  }

  /** Charges the cost, or charges nothing and returns the time until it fits, in ms. */
  #tryCharge(messages: number, bytes: number): number {
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
