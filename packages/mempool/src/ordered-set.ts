const MAX_LEVELS = 24
/** One node in four has a further level. */
const BRANCHING = 4

type Links<T> = (Node<T> | undefined)[]

interface Node<T> {
  readonly value: T
  /** The next node by level. */
  readonly next: Links<T>
  previous: Node<T> | undefined
}

/**
 * A set in the order of `compare`: a skip list, so that adding and deleting take O(log n) on average, whatever comes.
 * What `compare` reads of a value must not change while it is in.
 */
export class OrderedSet<T> {
  readonly #compare: (a: T, b: T) => number
  /** Grows with the set, so that a set of one costs little. */
  readonly #head: Links<T> = []
  #last: Node<T> | undefined
  #size = 0

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#head[0]?.value
  }

  get last(): T | undefined {
    return this.#last?.value
  }

  /** Adds a value, unless one that compares equal is there. */
  add(value: T): void {
    const path = this.#pathTo(value)
    const after = path[0]?.[0]
    if (after !== undefined && this.#compare(after.value, value) === 0) return
    const node: Node<T> = { value, next: [], previous: this.#before(after) }
    const levels = randomLevels()
    for (let level = 0; level < levels; level++) {
      const links = path[level] ?? this.#head
      node.next[level] = links[level]
      links[level] = node
    }
    if (after === undefined) this.#last = node
    else after.previous = node
    this.#size += 1
  }

  /** Deletes the value that compares equal, if there is one. */
  delete(value: T): void {
    const path = this.#pathTo(value)
    const node = path[0]?.[0]
    if (node === undefined || this.#compare(node.value, value) !== 0) return
    for (const [level, next] of node.next.entries()) {
      const links = path[level]
      if (links !== undefined) links[level] = next
    }
    const after = node.next[0]
    if (after === undefined) this.#last = node.previous
    else after.previous = node.previous
    this.#size -= 1
  }

  /** From first to last. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let node = this.#head[0]; node !== undefined; node = node.next[0]) yield node.value
  }

  /** From last to first. */
  *backwards(): Generator<T, void> {
    for (let node = this.#last; node !== undefined; node = node.previous) yield node.value
  }

  /** By level, the links that lead past everything below `value`. */
  #pathTo(value: T): Links<T>[] {
    const path: Links<T>[] = []
    let links = this.#head
    for (let level = this.#head.length - 1; level >= 0; level--) {
      for (let node = links[level]; node !== undefined && this.#compare(node.value, value) < 0; node = links[level]) {
        links = node.next
      }
      path[level] = links
    }
    return path
  }

  #before(after: Node<T> | undefined): Node<T> | undefined {
    return after === undefined ? this.#last : after.previous
  }
}

function randomLevels(): number {
  let levels = 1
  while (levels < MAX_LEVELS && Math.random() * BRANCHING < 1) levels += 1
  return levels
}
