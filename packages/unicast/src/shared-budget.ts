import { ByteBudget } from '@gridmesh/chunking'

/** A budget, and the option that sets it. */
export interface NamedBudget {
  readonly limit: string
  readonly budget: ByteBudget
}

/** The limit that had no room, and its value. */
export interface BudgetRefusal {
  readonly limit: string
  readonly value: number
}

/** The memory of one peer within that of the node: what it takes counts for both, and both must have room. */
export class SharedBudget extends ByteBudget {
  readonly #own: NamedBudget
  readonly #shared: NamedBudget
  #full: NamedBudget

  constructor(own: NamedBudget, shared: NamedBudget) {
    super(own.budget.limit)
    this.#own = own
    this.#shared = shared
    this.#full = own
  }

  override get used(): number {
    return this.#own.budget.used
  }

  /** The limit that `tryTake` last found to have no room. */
  get refusal(): BudgetRefusal {
    return { limit: this.#full.limit, value: this.#full.budget.limit }
  }

  /** Whether `tryTake` last failed for want of room that all peers share: not the doing of this one. */
  get isCrowded(): boolean {
    return this.#full === this.#shared
  }

  override tryTake(bytes: number): boolean {
    this.#full = this.#own
    if (!this.#own.budget.tryTake(bytes)) return false
    if (this.#shared.budget.tryTake(bytes)) return true
    this.#own.budget.release(bytes)
    this.#full = this.#shared
    return false
  }

  override release(bytes: number): void {
    this.#own.budget.release(bytes)
    this.#shared.budget.release(bytes)
  }
}
