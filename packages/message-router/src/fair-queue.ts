import { Ring } from './ring.ts'
import { SizeClasses } from './size-classes.ts'

/** What one sender has in a queue. */
interface Share<T> {
  readonly sender: string
  readonly items: Ring<T>
  bytes: number
}

/**
 * A bounded queue that senders share: they are served by turns, each in its own order. Where it is full, the newest item
 * of a sender that holds much makes way for one that holds little, so whoever sends much keeps nobody else out. So it is
 * with bytes, of which the bound is the caller's.
 */
export class FairQueue<T extends { readonly sender: string; readonly bytes: number }> {
  readonly #capacity: number
  readonly #shares = new Map<string, Share<T>>()
  readonly #byCount = new SizeClasses<Share<T>>()
  readonly #byBytes = new SizeClasses<Share<T>>()
  /** Kept from turn to turn: a new one would have to pass by all that were deleted. */
  #turns = this.#shares.values()
  #size = 0

  constructor(capacity: number) {
    // Checks it, too.
    this.#capacity = new Ring<T>(capacity).capacity
  }

  get size(): number {
    return this.#size
  }

  /** Whether an item of `sender` would be left out. */
  isFull(sender: string): boolean {
    return this.#size >= this.#capacity && this.#giver(sender) === undefined
  }

  /** Adds the newest item. Returns the one that is left out for it: itself, where it is full for its sender. */
  push(item: T): T | undefined {
    const { sender } = item
    if (this.isFull(sender)) return item

    const giver = this.#size >= this.#capacity ? this.#giver(sender) : undefined
    const displaced = giver && this.#pop(giver)
    const share = this.#shares.get(sender) ?? { sender, items: new Ring<T>(this.#capacity), bytes: 0 }
    this.#shares.set(sender, share)
    share.items.push(item)
    this.#changed(share, 1, item.bytes)
    return displaced
  }

  /** Takes the oldest item of the sender whose turn it is. */
  shift(): T | undefined {
    const share = this.#nextShare()
    if (share == null) return undefined
    // Whoever was served goes behind all that wait: what is left in the map is always ahead of its iterator.
    this.#shares.delete(share.sender)
    this.#shares.set(share.sender, share)
    return this.#taken(share, share.items.shift())
  }

  /** Takes the newest item of a sender that holds many bytes. */
  pop(): T | undefined {
    const share = this.#byBytes.largest ?? this.#byCount.largest
    return share && this.#pop(share)
  }

  /**
   * Takes the newest items of a sender that holds many bytes, at least `excess` bytes of them, for an item of another.
   * Takes nothing and returns `undefined` where the one, without `excess`, would not hold as many as the other will. Items
   * go whole, so it may be left with less: it is who holds much that loses a large one.
   */
  makeWay({ sender, bytes }: T, excess: number): T[] | undefined {
    const giver = this.#byBytes.largest
    const own = this.#shares.get(sender)?.bytes ?? 0
    if (giver == null || giver.bytes - excess < own + bytes) return undefined

    const taken: T[] = []
    const enough = giver.bytes - excess
    while (giver.bytes > enough) {
      const item = this.#pop(giver)
      if (item != null) taken.push(item)
    }
    return taken
  }

  #nextShare(): Share<T> | undefined {
    const next = this.#turns.next()
    if (next.done !== true) return next.value
    this.#turns = this.#shares.values()
    return this.#turns.next().value
  }

  /** A sender that holds more than `sender` even when it has given one to it. */
  #giver(sender: string): Share<T> | undefined {
    const { largest } = this.#byCount
    const own = this.#shares.get(sender)?.items.size ?? 0
    return largest != null && largest.items.size > own + 1 ? largest : undefined
  }

  #pop(share: Share<T>): T | undefined {
    return this.#taken(share, share.items.pop())
  }

  #taken(share: Share<T>, item: T | undefined): T | undefined {
    if (item != null) this.#changed(share, -1, -item.bytes)
    return item
  }

  #changed(share: Share<T>, count: number, bytes: number): void {
    const { sender, items } = share
    share.bytes += bytes
    this.#size += count
    this.#byCount.move(share, items.size - count, items.size)
    this.#byBytes.move(share, share.bytes - bytes, share.bytes)
    if (items.size === 0) this.#shares.delete(sender)
  }
}
