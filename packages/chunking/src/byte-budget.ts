/** An amount of memory, in bytes, that several owners draw on. */
export class ByteBudget {
  readonly limit: number
  #used = 0

  constructor(limit: number) {
    if (!(limit > 0)) throw new RangeError(`limit ${limit} must be above 0`)
    this.limit = limit
  }

  /** Bytes taken and not released. */
  get used(): number {
    return this.#used
  }

  /** Takes `bytes`, or takes none and returns `false`. */
  tryTake(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false
    this.#used += bytes
    return true
  }

  /** Gives `bytes` back. */
  release(bytes: number): void {
    this.#used = Math.max(0, this.#used - bytes)
  }
}
