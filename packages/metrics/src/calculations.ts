import { TimeoutError, type CalculateMetric } from '@libp2p/interface'
import { MAX_CALCULATIONS } from './constants.ts'

/** What a failed calculation is told to. */
interface CalculationContext {
  timeoutMs: number
  onError(err: unknown): void
}

/** The functions that give one metric its values when it is scraped. */
export class Calculations<T> {
  readonly #context: CalculationContext
  readonly #functions: CalculateMetric<T>[] = []

  constructor(context: CalculationContext) {
    this.#context = context
  }

  add(calculate: CalculateMetric<T>): void {
    this.#functions.push(calculate)
    if (this.#functions.length > MAX_CALCULATIONS) this.#functions.shift()
  }

  /** Whether there is anything to run. */
  get isEmpty(): boolean {
    return this.#functions.length === 0
  }

  /** Runs all at once and gives the results of those that did not fail, in the order they were added. */
  async run(): Promise<T[]> {
    const results = await Promise.all(this.#functions.map(async (calculate) => this.#runOne(calculate)))
    return results.flat()
  }

  async #runOne(calculate: CalculateMetric<T>): Promise<T[]> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const { timeoutMs } = this.#context
    const timer = setTimeout(() => reject(new TimeoutError(`not calculated within ${timeoutMs} ms`)), timeoutMs)
    try {
      return [await Promise.race([calculate(), late])]
    } catch (err) {
      this.#context.onError(err)
      return []
    } finally {
      clearTimeout(timer)
    }
  }
}
