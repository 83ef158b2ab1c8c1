const MIB = 2 ** 20
const SAMPLE_MS = 50

/** Memory of this process in MiB, before and at most, by thirds of the way to a height. */
export class Peaks {
  readonly #height: () => number
  readonly #last: number
  readonly #timer = setInterval(() => this.#look(), SAMPLE_MS)
  readonly before: number
  readonly thirds = [0, 0, 0]

  constructor(height: () => number, last: number) {
    globalThis.gc?.()
    this.before = process.memoryUsage().rss / MIB
    this.#height = height
    this.#last = last
  }

  end(): void {
    this.#look()
    clearInterval(this.#timer)
  }

  #look(): void {
    const third = Math.min(2, Math.floor((3 * this.#height()) / this.#last))
    this.thirds[third] = Math.max(this.thirds[third] ?? 0, process.memoryUsage().rss / MIB)
  }
}
