/** Lets somebody wait until something changed. */
export class Wake {
  #next = Promise.withResolvers<void>()

  wait(): Promise<void> {
    return this.#next.promise
  }

  wake(): void {
    const { resolve } = this.#next
    this.#next = Promise.withResolvers()
    resolve()
  }
}
