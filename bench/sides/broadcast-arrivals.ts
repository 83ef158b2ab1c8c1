/** Delays of the messages that have arrived in this process, until they are taken. */
export class Arrivals {
  #delaysMs: number[] = []
  #expected: { count: number; resolve: () => void } | undefined

  add(delayNs: number): void {
    this.#delaysMs.push(delayNs / 1e6)
    if (this.#expected !== undefined && this.#delaysMs.length >= this.#expected.count) this.#expected.resolve()
  }

  /** Takes what has arrived as soon as that is `count`, or when the deadline has passed. */
  async take(count: number, deadlineMs: number): Promise<number[]> {
    if (this.#delaysMs.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#expected = { count, resolve }
      const timer = setTimeout(resolve, deadlineMs)
      await promise
      clearTimeout(timer)
      this.#expected = undefined
    }
    const taken = this.#delaysMs
    this.#delaysMs = []
    return taken
  }
}
