import { OTHER } from './constants.ts'

/** How many label values there may be, and how long they are. */
export interface SeriesLimits {
  maxSeries: number
  maxLabelCharacters: number
}

/**
 * Keeps the label values of one metric few and short: peers choose some of them. It forgets none, since whoever stores
 * what is scraped keeps a series for each value that there ever was.
 */
export class SeriesLimit {
  readonly #limits: SeriesLimits
  readonly #onOver: () => void
  readonly #known = new Set<string>()

  /** `onOver` runs for each value that goes to `other`. */
  constructor(limits: SeriesLimits, onOver: () => void) {
    this.#limits = limits
    this.#onOver = onOver
  }

  /** The label value to count under. A value that was let in once stays. */
  admit(value: string): string {
    const label = value.length > this.#limits.maxLabelCharacters ? this.#cut(value) : value
    if (label === OTHER || this.#known.has(label)) return label
    if (this.#known.size >= this.#limits.maxSeries) {
      this.#onOver()
      return OTHER
    }
    this.#known.add(label)
    return label
  }

  #cut(value: string): string {
    // Half of a surrogate pair is no text, and would be written as a replacement character.
    return value.slice(0, this.#limits.maxLabelCharacters).replace(/[\uD800-\uDBFF]$/, '')
  }
}
