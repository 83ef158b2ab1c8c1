/** Counts messages as they are handled, until as many have come as were expected. */
export class Arrivals {
  #left = 0
  #done = Promise.withResolvers<void>()

  /** Counts anew. */
  expect(count: number): void {
    this.#left = count
    this.#done = Promise.withResolvers()
  }

  one(): void {
    if (--this.#left === 0) this.#done.resolve()
  }

  whenAllHere(): Promise<void> {
    return this.#done.promise
  }
}
