const SMALLEST = 16

/** A first-in first-out queue of bounded length. Its memory grows with what it holds: an idle node pays nothing. */
export class Ring<T> {
  readonly capacity: number
  #slots: (T | undefined)[] = []
  #head = 0
  #size = 0

  constructor(capacity: number) {
    if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
      throw new RangeError(`capacity ${capacity} must be a whole number above 0`)
    }
    this.capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size === this.capacity
  }

  /** Adds the newest item; adds nothing and returns `false` when full. */
  push(item: T): boolean {
    if (this.isFull) return false
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size) % this.#slots.length] = item
    this.#size++
    return true
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#take(this.#head)
    this.#head = (this.#head + 1) % this.#slots.length
    this.#size--
    return item
  }

  /** Takes the newest item. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined
    this.#size--
    return this.#take((this.#head + this.#size) % this.#slots.length)
  }

  #take(index: number): T | undefined {
    const item = this.#slots[index]
    // A slot that went on pointing at a taken item would keep it from being collected.
    this.#slots[index] = undefined
    return item
  }

  #grow(): void {
    const length = Math.min(this.capacity, Math.max(SMALLEST, this.#slots.length * 2))
    const slots = Array.from<T | undefined>({ length })
    for (let index = 0; index < this.#size; index++) {
      slots[index] = this.#slots[(this.#head + index) % this.#slots.length]
    }
    this.#slots = slots
    this.#head = 0
  }
}
