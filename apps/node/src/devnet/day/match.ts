/** Energy that one has too much of, or lacks. */
export interface Quantity<T> {
  readonly of: T
  readonly wh: number
}

/** Energy that goes from one to another. */
export interface Fill<T> {
  readonly seller: T
  readonly buyer: T
  /** Above 0. */
  readonly wh: number
}

/** Fills needs from offers, both in their order, until one of them is at its end. */
export function match<T>(offers: readonly Quantity<T>[], needs: readonly Quantity<T>[]): Fill<T>[] {
  const fills: Fill<T>[] = []
  const left = offers.map(({ wh }) => wh)
  let at = 0
  for (const { of: buyer, wh: need } of needs) {
    let missing = need
    while (missing > 0) {
      const [offer, rest = 0] = [offers[at], left[at]]
      if (offer === undefined) return fills
      const wh = Math.min(rest, missing)
      if (wh > 0) fills.push({ seller: offer.of, buyer, wh })
      missing -= wh
      left[at] = rest - wh
      if (left[at] === 0) at++
    }
  }
  return fills
}
