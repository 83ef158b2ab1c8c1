/** Places of the tried table that a second peer has a claim to, until their holders are tested. */
export class Contests {
  readonly #max: number
  readonly #challengers = new Map<number, string>()

  constructor(max: number) {
    this.#max = max
  }

  /** Notes a challenger, unless the place has one or too many places do. */
  open(place: number, challenger: string): void {
    if (this.#challengers.size < this.#max && !this.#challengers.has(place)) this.#challengers.set(place, challenger)
  }

  /** Ends the contest of a place, and returns who challenged. */
  settle(place: number): string | undefined {
    const challenger = this.#challengers.get(place)
    this.#challengers.delete(place)
    return challenger
  }

  /** Ends the contests of a challenger that is gone. */
  withdraw(challenger: string): void {
    for (const [place, who] of this.#challengers) {
      if (who === challenger) this.#challengers.delete(place)
    }
  }

  /** The contested place whose turn it is: each in turn, since there may be one whose holder cannot be tested now. */
  next(): number | undefined {
    for (const [place, challenger] of this.#challengers) {
      this.#challengers.delete(place)
      this.#challengers.set(place, challenger)
      return place
    }
    return undefined
  }
}
