const INITIAL_SLOTS = 16

/** A queue in one array, a power of two long. Shifting an array costs with its length; this does not. */
export class Ring<T> {
  #slots: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length += 1
  }

  peek(): T | undefined {
    return this.#slots[this.#head]
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length -= 1
    return item
  }

  /** Drops the items that `keep` does not want. */
  filter(keep: (item: T) => boolean): void {
    for (let i = this.#length; i > 0; i--) {
      const item = this.shift()
      if (item !== undefined && keep(item)) this.push(item)
    }
  }

  #grow(): void {
    const size = this.#slots.length
    if (this.#length < size) return
    const slots: (T | undefined)[] = Array.from({ length: Math.max(INITIAL_SLOTS, size * 2) })
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#head + i) & (size - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
