import { type Meter, meters, type Output, type OutputId, outputs } from '@gridmesh/ledger'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError } from '../answers.ts'

/** Questions that wait for one pass, or for answers of an index. */
export const MAX_WAITING = 64

/** Is shown every output of the state. */
export type OutputVisitor = (id: OutputId, output: Output) => void

/** What else a pass does for who asks. */
export interface VisitOptions {
  /** Is shown every meter, after the outputs. @default meters are not read */
  onMeter?: (meter: Meter) => void
  /** A pass whose askers are all gone ends. */
  signal?: AbortSignal
}

interface Question extends VisitOptions {
  readonly onOutput: OutputVisitor
}

interface Pass {
  readonly questions: Set<Question>
  readonly done: Promise<void>
}

/**
 * Reads all outputs, since the state has them by their ids alone, and all meters for those who ask for them. A pass costs
 * as much as there are of both, so there is one at a time, and all who ask while it is under way share the next.
 */
export class OutputScan {
  readonly #state: EnergyChain['state']
  #next: Pass | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(state: EnergyChain['state']) {
    this.#state = state
  }

  /**
   * Shows `onOutput` all outputs, as they are at some moment after the call.
   * @throws {HttpRefusalError} when too many wait, or the signal aborts
   */
  async visit(onOutput: OutputVisitor, options: VisitOptions = {}): Promise<void> {
    const { questions, done } = (this.#next ??= this.#plan())
    if (questions.size >= MAX_WAITING) {
      throw new HttpRefusalError(503, 'busy', `${MAX_WAITING} questions wait for the state to be read; ask again later`)
    }
    const question = { onOutput, ...options }
    const withdraw = (): boolean => questions.delete(question)
    questions.add(question)
    options.signal?.addEventListener('abort', withdraw, { once: true })
    if (options.signal?.aborted === true) withdraw()
    try {
      await done
    } finally {
      options.signal?.removeEventListener('abort', withdraw)
    }
    if (!questions.has(question)) throw new HttpRefusalError(503, 'withdrawn', 'Who asked did not wait for the answer')
  }

  #plan(): Pass {
    const questions = new Set<Question>()
    const done = this.#read(questions, this.#last)
    // One that fails must not stop those after it.
    this.#last = done.catch(() => undefined)
    return { questions, done }
  }

  async #read(questions: ReadonlySet<Question>, before: Promise<void>): Promise<void> {
    await before
    this.#next = undefined
    if (questions.size === 0) return
    for await (const [key, value] of this.#state.entries(tableRange(outputs.key(new Uint8Array(0))))) {
      if (questions.size === 0) return
      const output = outputs.parse(value)
      const id = key.subarray(1)
      for (const { onOutput } of questions) onOutput(id, output)
    }
    if ([...questions].every(({ onMeter }) => onMeter === undefined)) return
    for await (const [, value] of this.#state.entries(tableRange(meters.key('')))) {
      if (questions.size === 0) return
      const meter = meters.parse(value)
      for (const { onMeter } of questions) onMeter?.(meter)
    }
  }
}

/** All keys of the table that `key` is of. */
export function tableRange(key: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const letter = key[0] ?? 0
  return { gte: Uint8Array.of(letter), lt: Uint8Array.of(letter + 1) }
}
