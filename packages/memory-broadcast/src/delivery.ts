import type { Delivery, DeliveryOutcome } from '@gridmesh/interfaces'
import { type AbortOptions, TimeoutError } from '@libp2p/interface'

/** Accounts for one publish. Once a peer is known to have the message, nothing changes its outcome. */
export class MemoryDelivery implements Delivery {
  readonly id: string
  readonly #expiresAtMs: number
  /** Aborts when the node stops. */
  readonly #running: AbortSignal
  readonly #outcomes = new Map<string, DeliveryOutcome>()
  readonly #addressed = new Set<string>()
  readonly #waiters = new Set<{ k: number; resolve(confirmed: number): void }>()
  #confirmed = 0

  constructor(id: string, lifetimeMs: number, running: AbortSignal) {
    this.id = id
    this.#expiresAtMs = performance.now() + lifetimeMs
    this.#running = running
  }

  get peers(): ReadonlyMap<string, DeliveryOutcome> {
    return this.#outcomes
  }

  get successRate(): number {
    if (this.#addressed.size === 0) return 1
    const dropped = [...this.#addressed].filter((peer) => this.#outcomes.get(peer)?.status === 'dropped').length
    return 1 - dropped / this.#addressed.size
  }

  async confirmed(k: number, { signal }: AbortOptions = {}): Promise<number> {
    if (!Number.isInteger(k) || k < 0) throw new RangeError(`k ${k} must be a whole number, 0 or more`)
    if (this.#confirmed >= k) return this.#confirmed
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const end = (why: string): void =>
      reject(new TimeoutError(`${why} with ${this.#confirmed} confirmations of message ${this.id}`))
    if (this.#running.aborted) end('Stopped')
    const onStop = (): void => end('Stopped')
    const onAbort = (): void => reject(signal?.reason)
    const timer = setTimeout(() => end('Lifetime over'), Math.max(0, this.#expiresAtMs - performance.now()))
    const waiter = { k, resolve }
    this.#waiters.add(waiter)
    this.#running.addEventListener('abort', onStop, { once: true })
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
      this.#running.removeEventListener('abort', onStop)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** A peer is addressed, with what is known of it right away. */
  address(peer: string, outcome: DeliveryOutcome): void {
    this.#addressed.add(peer)
    this.learn(peer, outcome)
  }

  /** Something more is known of a peer, addressed or not. */
  learn(peer: string, outcome: DeliveryOutcome): void {
    if (isConfirmed(this.#outcomes.get(peer))) return
    this.#outcomes.set(peer, outcome)
    if (!isConfirmed(outcome)) return
    this.#confirmed++
    for (const waiter of this.#waiters) if (this.#confirmed >= waiter.k) waiter.resolve(this.#confirmed)
  }
}

function isConfirmed(outcome: DeliveryOutcome | undefined): boolean {
  return outcome?.status === 'acknowledged' || outcome?.status === 'seen'
}
