/** The newest `size` items, oldest first. Grows only as far as it is filled. */
export class Ring<T> {
  readonly #size: number
  readonly #items: T[] = []
  #oldest = 0

  constructor(size: number) {
    this.#size = size
  }

  get length(): number {
    return this.#items.length
  }

  push(item: T): void {
    if (this.#items.length < this.#size) {
      this.#items.push(item)
      return
    }
    this.#items[this.#oldest] = item
    this.#oldest = (this.#oldest + 1) % this.#size
  }

  toArray(): T[] {
    return [...this.#items.slice(this.#oldest), ...this.#items.slice(0, this.#oldest)]
  }
}
