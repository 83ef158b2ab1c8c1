import { type Output, type OutputId, outputs } from '@gridmesh/ledger'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError } from '../answers.ts'

/** Questions that wait for one pass, or for answers of an index. */
export const MAX_WAITING = 64

/** Is shown every output of the state. */
export type OutputVisitor = (id: OutputId, output: Output) => void

interface Pass {
  readonly visitors: OutputVisitor[]
  readonly done: Promise<void>
}

/**
 * Reads all outputs, since the state has them by their ids alone. A pass costs as much as there are outputs, so there is
 * one at a time, and all who ask while it is under way share the next.
 */
export class OutputScan {
  readonly #state: EnergyChain['state']
  #next: Pass | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(state: EnergyChain['state']) {
    this.#state = state
  }

  /** Shows `visitor` all outputs, as they are at some moment after the call. @throws {HttpRefusalError} when too many wait */
  async visit(visitor: OutputVisitor): Promise<void> {
    const pass = (this.#next ??= this.#plan())
    if (pass.visitors.length >= MAX_WAITING) {
      throw new HttpRefusalError(503, 'busy', `${MAX_WAITING} questions wait for the state to be read; ask again later`)
    }
    pass.visitors.push(visitor)
    return pass.done
  }

  #plan(): Pass {
    const visitors: OutputVisitor[] = []
    const done = this.#read(visitors, this.#last)
    // One that fails must not stop those after it.
    this.#last = done.catch(() => undefined)
    return { visitors, done }
  }

  async #read(visitors: readonly OutputVisitor[], before: Promise<void>): Promise<void> {
    await before
    this.#next = undefined
    for await (const [key, value] of this.#state.entries(tableRange(outputs.key(new Uint8Array(0))))) {
      const output = outputs.parse(value)
      const id = key.subarray(1)
      for (const visit of visitors) visit(id, output)
    }
  }
}

/** All keys of the table that `key` is of. */
export function tableRange(key: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const letter = key[0] ?? 0
  return { gte: Uint8Array.of(letter), lt: Uint8Array.of(letter + 1) }
}
