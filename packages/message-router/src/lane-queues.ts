import { LANES } from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import { FairQueue } from './fair-queue.ts'

/** What waits in a lane. */
export interface Queueable {
  readonly lane: Lane
  /** Its author, by peer id string. */
  readonly sender: string
  /** Size of the encoded message, in bytes. */
  readonly bytes: number
}

/** Limits of the queues. */
export interface LaneQueuesInit {
  maxQueued: Readonly<Record<Lane, number>>
  maxQueuedBytes: number
}

/**
 * Whether an item was queued: with the items that made room for its bytes and the one of its own lane that made way for
 * it, or with the limit that refused it.
 */
export type PutOutcome<T> =
  | { ok: true; evicted: T[]; displaced: T | undefined }
  | { ok: false; limit: string; value: number }

/**
 * One bounded queue per lane, fair to its senders, and one bound on the bytes of all. Where the bytes run out, the newest
 * items of the lowest lanes make room for a higher one, and then, in its own lane, those of a sender that holds more bytes
 * for one that holds less. No item makes room for a lower lane.
 */
export class LaneQueues<T extends Queueable> {
  readonly #init: LaneQueuesInit
  readonly #queues: Readonly<Record<Lane, FairQueue<T>>>
  readonly #bytes: Record<Lane, number> = { critical: 0, high: 0, normal: 0, bulk: 0 }
  #total = 0

  constructor(init: LaneQueuesInit) {
    if (!(init.maxQueuedBytes > 0)) throw new RangeError(`maxQueuedBytes ${init.maxQueuedBytes} must be above 0`)
    const { critical, high, normal, bulk } = init.maxQueued
    this.#init = init
    this.#queues = {
      critical: new FairQueue(critical),
      high: new FairQueue(high),
      normal: new FairQueue(normal),
      bulk: new FairQueue(bulk),
    }
  }

  get size(): number {
    return LANES.reduce((sum, lane) => sum + this.#queues[lane].size, 0)
  }

  get bytes(): number {
    return this.#total
  }

  sizeOf(lane: Lane): number {
    return this.#queues[lane].size
  }

  /** Whether there is no room in a lane for one more item of `sender`. */
  isFull(lane: Lane, sender: string): boolean {
    return this.#queues[lane].isFull(sender)
  }

  put(item: T): PutOutcome<T> {
    const { maxQueued, maxQueuedBytes } = this.#init
    const { lane, sender } = item
    if (this.isFull(lane, sender)) return { ok: false, limit: `maxQueued.${lane}`, value: maxQueued[lane] }

    const excess = this.#total + item.bytes - maxQueuedBytes
    const evicted = excess > 0 ? this.#makeRoom(item, excess) : []
    if (evicted == null) return { ok: false, limit: 'maxQueuedBytes', value: maxQueuedBytes }

    const displaced = this.#taken(this.#queues[lane].push(item))
    this.#count(item, item.bytes)
    return { ok: true, evicted, displaced }
  }

  /** Takes the next item of the highest lane that may be served. */
  next(mayServe: (lane: Lane) => boolean): T | undefined {
    for (const lane of LANES) {
      if (this.#queues[lane].size === 0 || !mayServe(lane)) continue
      return this.#taken(this.#queues[lane].shift())
    }
    return undefined
  }

  /** Whether `next` would find an item. */
  hasNext(mayServe: (lane: Lane) => boolean): boolean {
    return LANES.some((lane) => this.#queues[lane].size > 0 && mayServe(lane))
  }

  /** Evicts at least `excess` bytes from the lanes below that of `item` and from its own, or evicts nothing. */
  #makeRoom(item: T, excess: number): T[] | undefined {
    const lower = LANES.slice(LANES.indexOf(item.lane) + 1)
    const rest = excess - lower.reduce((sum, each) => sum + this.#bytes[each], 0)
    // Decided before anything else is evicted: whoever makes room must not do so in vain.
    const evicted = rest > 0 ? this.#queues[item.lane].makeWay(item, rest) : []
    if (evicted == null) return undefined

    for (const each of evicted) this.#taken(each)
    let left = excess - Math.max(0, rest)
    for (const each of lower.toReversed()) {
      while (left > 0) {
        const taken = this.#taken(this.#queues[each].pop())
        if (taken == null) break
        evicted.push(taken)
        left -= taken.bytes
      }
    }
    return evicted
  }

  #taken(item: T | undefined): T | undefined {
    if (item != null) this.#count(item, -item.bytes)
    return item
  }

  #count({ lane }: T, bytes: number): void {
    this.#bytes[lane] += bytes
    this.#total += bytes
  }
}
