import { Ring } from './ring.ts'

/** What one sender has in a queue. */
interface Share<T> {
  readonly sender: string
  readonly items: Ring<T>
}

/** Classes of sizes: one for each number of bits that a size may have. */
const SIZE_CLASSES = 33

/**
 * A bounded queue that senders share: they are served by turns, each in its own order. Where it is full, the newest item
 * of a sender that holds much makes way for one that holds little, so whoever sends much keeps nobody else out.
 */
export class FairQueue<T extends { readonly sender: string }> {
  readonly #capacity: number
  readonly #shares = new Map<string, Share<T>>()
  /** The shares by the bits of their size: one of the largest, to within a half, is found without a search. */
  readonly #bySize = Array.from({ length: SIZE_CLASSES }, () => new Set<Share<T>>())
  /** Kept from turn to turn: a new one would begin with the same sender. */
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
    const displaced = giver && this.#change(giver, (items) => items.pop())
    const share = this.#shares.get(sender) ?? { sender, items: new Ring<T>(this.#capacity) }
    this.#shares.set(sender, share)
    this.#change(share, (items) => items.push(item))
    return displaced
  }

  /** Takes the oldest item of the sender whose turn it is. */
  shift(): T | undefined {
    const share = this.#nextShare()
    return share && this.#change(share, (items) => items.shift())
  }

  /** Takes the newest item of a sender that holds much. */
  pop(): T | undefined {
    const share = this.#largest()
    return share && this.#change(share, (items) => items.pop())
  }

  #nextShare(): Share<T> | undefined {
    const next = this.#turns.next()
    if (next.done !== true) return next.value
    this.#turns = this.#shares.values()
    return this.#turns.next().value
  }

  /** A sender that holds more than `sender` even when it has given one to it. */
  #giver(sender: string): Share<T> | undefined {
    const largest = this.#largest()
    const own = this.#shares.get(sender)?.items.size ?? 0
    return largest != null && largest.items.size > own + 1 ? largest : undefined
  }

  #largest(): Share<T> | undefined {
    const [largest] = this.#bySize.findLast(({ size }) => size > 0) ?? []
    return largest
  }

  #change<R>(share: Share<T>, change: (items: Ring<T>) => R): R {
    const { sender, items } = share
    const before = items.size
    const result = change(items)
    this.#size += items.size - before
    if (bitsOf(before) !== bitsOf(items.size)) {
      this.#bySize[bitsOf(before)]?.delete(share)
      if (items.size > 0) this.#bySize[bitsOf(items.size)]?.add(share)
      else this.#shares.delete(sender)
    }
    return result
  }
}

function bitsOf(size: number): number {
  return 32 - Math.clz32(size)
}
