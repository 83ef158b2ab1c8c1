/** The newest entries of a list that grows for ever. */
export class History<T> {
  readonly #entries: T[] = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Oldest first; a copy, which later entries do not change. */
  get entries(): readonly T[] {
    return [...this.#entries]
  }

  add(entry: T): void {
    this.#entries.push(entry)
    if (this.#entries.length > this.#max) this.#entries.shift()
  }
}
