import type { StrategyStats } from './stats.ts'

/** How dials ended. */
export type DialOutcome = 'succeeded' | 'failed' | 'neutral'

/** Counts of what was done since the node was made. */
export class Tally {
  rounds = 0
  readonly dials = { attempts: 0, succeeded: 0, failed: 0, neutral: 0 }
  readonly feelers = { attempts: 0, succeeded: 0 }
  readonly #strategies = new Map<string, StrategyStats>()

  constructor(strategies: readonly string[]) {
    for (const name of strategies) {
      this.#strategies.set(name, { runs: 0, failures: 0, candidates: 0, dials: 0, successes: 0, breaker: 'closed' })
    }
  }

  /** Adds to the counts of a strategy. */
  count(strategy: string, what: Exclude<keyof StrategyStats, 'breaker'>): void {
    const counts = this.#strategies.get(strategy)
    if (counts !== undefined) counts[what]++
  }

  dialled(strategy: string, outcome: DialOutcome): void {
    this.dials[outcome]++
    if (outcome === 'succeeded') this.count(strategy, 'successes')
  }

  /** A copy. */
  strategies(): Record<string, StrategyStats> {
    return Object.fromEntries([...this.#strategies].map(([name, counts]) => [name, { ...counts }]))
  }
}
