/** A random selection of what is offered, each item as likely as any other, however many come. */
export class Reservoir<T> {
  readonly #size: number
  readonly #items: T[] = []
  #offered = 0

  constructor(size: number) {
    this.#size = size
  }

  get items(): T[] {
    return [...this.#items]
  }

  offer(item: T): void {
    this.#offered++
    if (this.#items.length < this.#size) {
      this.#items.push(item)
      return
    }
    const place = Math.floor(Math.random() * this.#offered)
    if (place < this.#size) this.#items[place] = item
  }
}
