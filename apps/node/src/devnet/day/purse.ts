import { MAX_INPUTS, type OutputId } from '@gridmesh/ledger'

/** An output that can be spent. */
export interface Held {
  readonly id: OutputId
  readonly amount: number
  readonly zone: number
}

/** What a trader has of one asset. */
export class Purse {
  #held: Held[] = []

  get total(): number {
    return this.#held.reduce((sum, { amount }) => sum + amount, 0)
  }

  put(held: Held): void {
    this.#held.push(held)
  }

  /** Takes out all that one transaction can spend, the largest first: so few are left. */
  takeMost(): Held[] {
    const sorted = this.#held.toSorted((a, b) => b.amount - a.amount)
    this.#held = sorted.slice(MAX_INPUTS)
    return sorted.slice(0, MAX_INPUTS)
  }
}
