/** A table of numbered places, each holding one peer or none. */
export class BookTable {
  readonly #held = new Map<number, string>()

  get size(): number {
    return this.#held.size
  }

  at(place: number): string | undefined {
    return this.#held.get(place)
  }

  put(place: number, peer: string): void {
    this.#held.set(place, peer)
  }

  clear(place: number): void {
    this.#held.delete(place)
  }

  /** All peers, in an order that nobody can foresee. */
  shuffled(): string[] {
    return shuffle([...this.#held.values()])
  }
}

/** Brings a list into a random order, in place. */
export function shuffle<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    const [a, b] = [list[last], list[other]]
    if (a === undefined || b === undefined) continue
    list[last] = b
    list[other] = a
  }
  return list
}
