/**
 * Keeps reads of a state apart from what moves it. Reads go on beside each other; a move waits for those under way, and
 * those that come meanwhile wait for it. So what is read is of one head, and memory and store are of one mind.
 */
export class Gate {
  readonly #reads = new Set<Promise<unknown>>()
  #move: Promise<void> | undefined

  /** Reads, and uses what was read, while nothing moves. It must not wait for a move. */
  async read<T>(work: () => Promise<T>): Promise<T> {
    while (this.#move !== undefined) await this.#move
    const reading = work()
    this.#reads.add(reading)
    try {
      return await reading
    } finally {
      this.#reads.delete(reading)
    }
  }

  /** Moves while nothing reads. One at a time: whoever calls sees to that. */
  async move<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#move = promise
    try {
      await Promise.allSettled(this.#reads)
      return await work()
    } finally {
      this.#move = undefined
      resolve()
    }
  }
}
