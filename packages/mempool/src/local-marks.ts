/** The ids of those that are held and were offered as local, the oldest first: bounded by what the pool holds. */
export class LocalMarks {
  readonly #ids = new Set<string>()

  get count(): number {
    return this.#ids.size
  }

  /** Says whether it had no mark yet. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false
    this.#ids.add(id)
    return true
  }

  delete(id: string): void {
    this.#ids.delete(id)
  }

  ids(): Iterable<string> {
    return this.#ids
  }
}
