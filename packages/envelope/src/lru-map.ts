/** A map of at most `max` entries that forgets the one unused for longest. */
export class LruMap<K, V> {
  readonly #max: number
  readonly #entries = new Map<K, V>()

  /** `name` is what the caller of a caller knows the bound by. @throws {RangeError} */
  constructor(max: number, name = 'max') {
    if (!(Number.isSafeInteger(max) && max > 0)) throw new RangeError(`${name} ${max} must be a whole number above 0`)
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value of `key`, made where there is none. A `make` that throws leaves the map as it was. */
  getOrMake(key: K, make: () => V): V {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known
    }
    const made = make()
    this.#entries.set(key, made)
    if (this.#entries.size > this.#max) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
    return made
  }
}
