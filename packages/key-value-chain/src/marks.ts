import type { Refusal } from './check.ts'
import { MAX_MARKS } from './constants.ts'

/** Blocks that are false for good, with the reason; beyond a limit the oldest is forgotten. */
export class Marks {
  readonly #refusals = new Map<string, Refusal>()

  get(hash: string): Refusal | undefined {
    return this.#refusals.get(hash)
  }

  add(hash: string, { code, message }: Refusal): void {
    this.#refusals.set(hash, { code, message })
    const [oldest] = this.#refusals.keys()
    if (oldest !== undefined && this.#refusals.size > MAX_MARKS) this.#refusals.delete(oldest)
  }
}
