/** Counts by name. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  toObject(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
