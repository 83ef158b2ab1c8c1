import type { Delivery, DeliveryOutcome } from '@gridmesh/interfaces'
import { type AbortOptions, TimeoutError } from '@libp2p/interface'
import { raceSignal } from 'race-signal'

/** A `Delivery` that also tells when its direct sends are over. */
export interface BroadcastDelivery extends Delivery {
  /** Resolves when each flooded or directed send has ended in a receipt or a reason; gossip has no such end. */
  settled(options?: AbortOptions): Promise<void>
}

interface Waiter {
  k: number
  resolve(confirmed: number): void
  reject(err: Error): void
}

/** What a delivery tells and needs. */
export interface PublishDeliveryInit {
  id: string
  /** Peers that are listed without having been addressed, at most. */
  maxPeers: number
  /** Called for each peer that is newly known to have the message. */
  onConfirmed?(status: 'acknowledged' | 'seen'): void
}

/**
 * Accounts for one publish. A peer may be addressed in two ways at once, by flood and by gossip: it counts as dropped
 * only when every way failed, and as soon as it is known to have the message nothing else changes its outcome.
 */
export class PublishDelivery implements BroadcastDelivery {
  readonly id: string
  readonly #init: PublishDeliveryInit
  readonly #outcomes = new Map<string, DeliveryOutcome>()
  readonly #addressed = new Set<string>()
  /** Ways by which the message was handed to a link and has not failed. */
  readonly #ways = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  readonly #settled = Promise.withResolvers<void>()
  #sendsOpen = 0
  #confirmed = 0
  #end: Error | undefined

  constructor(init: PublishDeliveryInit) {
    this.id = init.id
    this.#init = init
  }

  get peers(): ReadonlyMap<string, DeliveryOutcome> {
    return this.#outcomes
  }

  get successRate(): number {
    if (this.#addressed.size === 0) return 1
    let dropped = 0
    for (const peer of this.#addressed) if (this.#outcomes.get(peer)?.status === 'dropped') dropped++
    return 1 - dropped / this.#addressed.size
  }

  /** Whether every addressed peer has the message, or is out of reach. */
  get isOver(): boolean {
    if (this.#end !== undefined) return true
    for (const peer of this.#addressed) if (this.#outcomes.get(peer)?.status === 'sent') return false
    return this.#sendsOpen === 0
  }

  async confirmed(k: number, options: AbortOptions = {}): Promise<number> {
    if (!Number.isInteger(k) || k < 0) throw new RangeError(`k ${k} must be a whole number, 0 or more`)
    if (this.#confirmed >= k) return this.#confirmed
    if (this.#end !== undefined) throw this.#end
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const waiter: Waiter = { k, resolve, reject }
    this.#waiters.add(waiter)
    try {
      return await raceSignal(promise, options.signal)
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  async settled(options: AbortOptions = {}): Promise<void> {
    if (this.#sendsOpen > 0) await raceSignal(this.#settled.promise, options.signal)
  }

  /** A send to `peer` is about to be queued. It ends in `acknowledged`, `dropped` or `failed`. */
  open(peer: string): void {
    this.#addressed.add(peer)
    this.#sendsOpen++
  }

  /** The message was handed to a link. */
  sent(peer: string): void {
    this.#addressed.add(peer)
    this.#ways.set(peer, (this.#ways.get(peer) ?? 0) + 1)
    if (!this.#isConfirmed(peer)) this.#outcomes.set(peer, { status: 'sent' })
  }

  /** A peer that gossip should have served was not. */
  missed(peer: string, reason: string): void {
    this.#addressed.add(peer)
    this.#drop(peer, reason)
  }

  /** An open send never left. */
  dropped(peer: string, reason: string): void {
    this.#drop(peer, reason)
    this.#closeSend()
  }

  /** An open send left and came to nothing. */
  failed(peer: string, reason: string): void {
    this.#ways.set(peer, (this.#ways.get(peer) ?? 1) - 1)
    this.#drop(peer, reason)
    this.#closeSend()
  }

  /** An open send of an announcement was heard: whether the peer will have the message shows later. */
  heard(): void {
    this.#closeSend()
  }

  /** An open send got its receipt. */
  acknowledged(peer: string): void {
    this.confirm(peer, 'acknowledged')
    this.#closeSend()
  }

  /** `peer` is known to have the message, addressed or not. */
  confirm(peer: string, status: 'acknowledged' | 'seen'): void {
    if (this.#isConfirmed(peer)) return
    if (!this.#outcomes.has(peer) && !this.#addressed.has(peer) && this.#outcomes.size >= this.#init.maxPeers) return
    this.#outcomes.set(peer, { status })
    this.#confirmed++
    this.#init.onConfirmed?.(status)
    for (const waiter of this.#waiters) if (this.#confirmed >= waiter.k) waiter.resolve(this.#confirmed)
  }

  /** Ends the learning: who still waits for confirmations waits in vain. */
  close(reason: string): void {
    this.#end ??= new TimeoutError(`${reason} with ${this.#confirmed} confirmations of message ${this.id}`)
    for (const waiter of this.#waiters) waiter.reject(this.#end)
  }

  #isConfirmed(peer: string): boolean {
    const status = this.#outcomes.get(peer)?.status
    return status === 'acknowledged' || status === 'seen'
  }

  #drop(peer: string, reason: string): void {
    if (this.#isConfirmed(peer) || (this.#ways.get(peer) ?? 0) > 0) return
    this.#outcomes.set(peer, { status: 'dropped', reason })
  }

  #closeSend(): void {
    if (--this.#sendsOpen === 0) this.#settled.resolve()
  }
}
