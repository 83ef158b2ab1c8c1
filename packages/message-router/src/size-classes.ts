/** Classes of sizes: one for each number of bits that a size may have. */
const CLASSES = 33

/** Things by the bits of a size that changes: one of the largest, to within a half, is found without a search. */
export class SizeClasses<T> {
  readonly #classes = Array.from({ length: CLASSES }, () => new Set<T>())

  /** One of the largest; undefined where all are empty. */
  get largest(): T | undefined {
    const [largest] = this.#classes.findLast(({ size }) => size > 0) ?? []
    return largest
  }

  /** The size of a thing has changed. One of size 0 is not held. */
  move(thing: T, before: number, after: number): void {
    if (bitsOf(before) === bitsOf(after)) return
    this.#classes[bitsOf(before)]?.delete(thing)
    if (after > 0) this.#classes[bitsOf(after)]?.add(thing)
  }
}

function bitsOf(size: number): number {
  return 32 - Math.clz32(Math.min(size, 0xffff_ffff))
}
