import type { PublishDelivery } from './delivery.ts'

/** The publishes that still learn, bounded in number and time. At the limit the oldest ends early. */
export class Deliveries {
  readonly #maxDeliveries: number
  readonly #lifetimeMs: number
  // One lifetime for all keeps the map in order of expiry.
  readonly #expiries = new Map<PublishDelivery, number>()
  /** Lifetimes that are left to a delivery after the present one. */
  readonly #renewals = new Map<PublishDelivery, number>()
  // The same content may be published twice; each publish keeps its own account.
  readonly #byId = new Map<string, Set<PublishDelivery>>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(maxDeliveries: number, lifetimeMs: number) {
    this.#maxDeliveries = maxDeliveries
    this.#lifetimeMs = lifetimeMs
  }

  get size(): number {
    return this.#expiries.size
  }

  /** Lets a publish learn for `minMs`, in whole lifetimes; for one where that is not given. */
  add(delivery: PublishDelivery, minMs = 0): void {
    for (const oldest of this.#expiries.keys()) {
      if (this.#expiries.size < this.#maxDeliveries) break
      this.#end(oldest, 'Gave way to newer publishes')
    }
    this.#expiries.set(delivery, performance.now() + this.#lifetimeMs)
    const lifetimes = Math.ceil(minMs / this.#lifetimeMs)
    if (lifetimes > 1) this.#renewals.set(delivery, lifetimes - 1)
    const same = this.#byId.get(delivery.id)
    if (same === undefined) this.#byId.set(delivery.id, new Set([delivery]))
    else same.add(delivery)
    this.#timer ??= setTimeout(() => this.#expire(), this.#lifetimeMs)
  }

  /** Returns whether the id is one of ours. */
  confirm(id: string, peer: string, status: 'acknowledged' | 'seen'): boolean {
    const deliveries = this.#byId.get(id)
    if (deliveries === undefined) return false
    for (const delivery of deliveries) delivery.confirm(peer, status)
    return true
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const delivery of this.#expiries.keys()) this.#end(delivery, 'Stopped')
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const [delivery, expiresAtMs] of this.#expiries) {
      if (expiresAtMs > now) {
        this.#timer = setTimeout(() => this.#expire(), expiresAtMs - now)
        return
      }
      if (!this.#renew(delivery, now)) this.#end(delivery, 'Lifetime over')
    }
  }

  #renew(delivery: PublishDelivery, now: number): boolean {
    const left = this.#renewals.get(delivery) ?? 0
    if (left === 0) return false
    this.#renewals.set(delivery, left - 1)
    this.#expiries.delete(delivery)
    this.#expiries.set(delivery, now + this.#lifetimeMs)
    return true
  }

  #end(delivery: PublishDelivery, reason: string): void {
    this.#expiries.delete(delivery)
    this.#renewals.delete(delivery)
    const same = this.#byId.get(delivery.id)
    same?.delete(delivery)
    if (same?.size === 0) this.#byId.delete(delivery.id)
    delivery.close(reason)
  }
}
