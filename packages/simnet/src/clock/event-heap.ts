/** Something that happens at a virtual time. `place` is where it lies in the heap, -1 when it does not. */
export interface HeapEntry {
  atMs: number
  order: number
  place: number
}

const ARITY = 4

function isBefore(a: HeapEntry, b: HeapEntry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/**
 * Entries by time, and by order within one time. Entries know their place, so that a cleared timer is removed at once:
 * a node that renews a deadline with each message would otherwise fill the heap with dead ones.
 */
export class EventHeap<E extends HeapEntry> {
  readonly #entries: E[] = []

  get size(): number {
    return this.#entries.length
  }

  /** In no order. */
  [Symbol.iterator](): Iterator<E> {
    return this.#entries.values()
  }

  peek(): E | undefined {
    return this.#entries[0]
  }

  push(entry: E): void {
    this.#entries.push(entry)
    this.#rise(entry, this.#entries.length - 1)
  }

  pop(): E | undefined {
    const first = this.#entries[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes an entry out, wherever it is. An entry that is not in the heap stays out. */
  remove(entry: E): void {
    const { place } = entry
    if (place < 0) return
    entry.place = -1
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    const parent = this.#entries[(place - 1) >> 2]
    if (place > 0 && parent !== undefined && isBefore(last, parent)) this.#rise(last, place)
    else this.#sink(last, place)
  }

  clear(): void {
    for (const entry of this.#entries) entry.place = -1
    this.#entries.length = 0
  }

  #rise(entry: E, from: number): void {
    const entries = this.#entries
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 2
      const parent = entries[above]
      if (parent === undefined || !isBefore(entry, parent)) break
      entries[place] = parent
      parent.place = place
      place = above
    }
    entries[place] = entry
    entry.place = place
  }

  #sink(entry: E, from: number): void {
    const entries = this.#entries
    let place = from
    for (;;) {
      const start = place * ARITY + 1
      let least: E | undefined
      for (let at = start; at < start + ARITY; at++) {
        const child = entries[at]
        if (child === undefined) break
        if (least === undefined || isBefore(child, least)) least = child
      }
      if (least === undefined || !isBefore(least, entry)) break
      const below = least.place
      entries[place] = least
      least.place = place
      place = below
    }
    entries[place] = entry
    entry.place = place
  }
}
