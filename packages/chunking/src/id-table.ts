const INITIAL_SLOTS = 16
/** In the place of an id: nothing is there. */
const NONE = -1

/**
 * Values by whole numbers from 0 on, of which few are there at a time and many come and go. A `Map` would be built anew in
 * memory time and again, and V8 links each table of it to the next: once one of them is old, all later ones, and all that was
 * ever in them, stay until the whole heap is collected. Here a place is used again.
 */
export class IdTable<T extends object> {
  /** A power of two long, and at most half of it taken: an id is at the first free slot from its own on. */
  #ids = new Float64Array(INITIAL_SLOTS).fill(NONE)
  #values: (T | undefined)[] = Array.from({ length: INITIAL_SLOTS })
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): T | undefined {
    return this.#values[this.#find(id)]
  }

  has(id: number): boolean {
    return id !== NONE && this.#ids[this.#find(id)] === id
  }

  /** Puts a value under an id, in the place of the one that is there. @throws {RangeError} when it is no whole number from 0 on */
  set(id: number, value: T): void {
    if (!Number.isSafeInteger(id) || id < 0) throw new RangeError(`id ${id} is no whole number from 0 on`)
    if (2 * (this.#size + 1) > this.#ids.length) this.#grow()
    const slot = this.#find(id)
    if (this.#ids[slot] === NONE) this.#size += 1
    this.#ids[slot] = id
    this.#values[slot] = value
  }

  /** Says whether there was a value. */
  delete(id: number): boolean {
    if (!this.has(id)) return false
    const last = this.#ids.length - 1
    let free = this.#find(id)
    for (let slot = (free + 1) & last; this.#ids[slot] !== NONE; slot = (slot + 1) & last) {
      const own = this.#ownSlot(this.#ids[slot] ?? 0)
      // What could not be found any more behind the free slot moves there.
      if (((slot - own) & last) < ((slot - free) & last)) continue
      this.#ids[free] = this.#ids[slot] ?? NONE
      this.#values[free] = this.#values[slot]
      free = slot
    }
    this.#ids[free] = NONE
    this.#values[free] = undefined
    this.#size -= 1
    return true
  }

  clear(): void {
    this.#ids.fill(NONE)
    this.#values.fill(undefined)
    this.#size = 0
  }

  /** What is there now, by rising ids: whatever is put in or taken out meanwhile. */
  entries(): [id: number, value: T][] {
    const entries: [number, T][] = []
    for (const [slot, value] of this.#values.entries()) {
      if (value !== undefined) entries.push([this.#ids[slot] ?? NONE, value])
    }
    return entries.toSorted(([a], [b]) => a - b)
  }

  /** The slot of an id, or the free one that it would take. */
  #find(id: number): number {
    const last = this.#ids.length - 1
    let slot = this.#ownSlot(id)
    while (this.#ids[slot] !== id && this.#ids[slot] !== NONE) slot = (slot + 1) & last
    return slot
  }

  /** Not by its bits, of which an id has up to 53. */
  #ownSlot(id: number): number {
    return id % this.#ids.length
  }

  #grow(): void {
    const entries = this.entries()
    this.#ids = new Float64Array(2 * this.#ids.length).fill(NONE)
    this.#values = Array.from({ length: this.#ids.length })
    this.#size = 0
    for (const [id, value] of entries) this.set(id, value)
  }
}
