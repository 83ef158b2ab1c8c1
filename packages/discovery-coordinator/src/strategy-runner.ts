import type { DiscoveryNeed } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import { type BreakerInit, CircuitBreaker } from './circuit-breaker.ts'
import { within } from './deadline.ts'
import type { DiscoveryOptions } from './options.ts'
import type { SourcedCandidate, Strategy } from './strategy.ts'

/** How strategies are run. */
export interface RunnerInit {
  deadlineMs: number
  /** Candidates after which a run is ended. */
  maxCandidates: number
  breaker: BreakerInit
}

/** How they are run where a node is set so. */
export function runnerInitOf(options: DiscoveryOptions): RunnerInit {
  const { strategyDeadlineMs, maxCandidatesPerRun, breakerFailures, breakerCoolDownMs, maxIntervalMs } = options
  const breaker = { failures: breakerFailures, coolDownMs: breakerCoolDownMs, maxCoolDownMs: maxIntervalMs }
  return { deadlineMs: strategyDeadlineMs, maxCandidates: maxCandidatesPerRun, breaker }
}

/** What a run hands on. */
export interface RunnerHost {
  /** Returns whether the candidate is new. */
  take(candidate: SourcedCandidate, strategy: Strategy): boolean
  onRun(strategy: Strategy, outcome: 'succeeded' | 'failed' | 'cancelled'): void
}

/** Runs one strategy, once at a time, within its deadline and behind its breaker. */
export class StrategyRunner {
  readonly strategy: Strategy
  readonly breaker: CircuitBreaker
  readonly #init: RunnerInit
  readonly #host: RunnerHost
  readonly #log: Logger
  #running: Promise<number> | undefined

  constructor(strategy: Strategy, init: RunnerInit, host: RunnerHost, log: Logger) {
    this.strategy = strategy
    this.breaker = new CircuitBreaker(init.breaker)
    this.#init = init
    this.#host = host
    this.#log = log
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Runs, unless a run is under way or the breaker holds it back; `force` passes the breaker. */
  start(need: readonly DiscoveryNeed[], signal: AbortSignal, force = false): boolean {
    if (this.#running !== undefined || !this.breaker.tryPass(force)) return false
    this.#running = this.#run(need, signal).finally(() => (this.#running = undefined))
    return true
  }

  /** Resolves with the number of new candidates when the run under way is over; never rejects. */
  async whenOver(): Promise<number> {
    return (await this.#running) ?? 0
  }

  async #run(need: readonly DiscoveryNeed[], signal: AbortSignal): Promise<number> {
    const progress = { taken: 0, fresh: 0 }
    try {
      await within(this.#init.deadlineMs, signal, async (inTime) => this.#collect(need, inTime, progress))
      this.#settle('succeeded')
    } catch (err) {
      const isLate = err instanceof Error && err.name === 'TimeoutError'
      if (signal.aborted) this.#settle('cancelled')
      else if (isLate && progress.taken > 0) this.#settle('succeeded')
      else {
        this.#log('strategy %s failed - %e', this.strategy.name, err)
        this.#settle('failed')
      }
    }
    return progress.fresh
  }

  async #collect(
    need: readonly DiscoveryNeed[],
    signal: AbortSignal,
    progress: { taken: number; fresh: number },
  ): Promise<void> {
    for await (const candidate of this.strategy.discover({ need, signal })) {
      // A strategy that does not heed its signal may come up with more, after the run.
      if (signal.aborted) return
      progress.taken++
      if (this.#host.take(candidate, this.strategy)) progress.fresh++
      if (progress.taken >= this.#init.maxCandidates) return
    }
  }

  #settle(outcome: 'succeeded' | 'failed' | 'cancelled'): void {
    if (outcome === 'succeeded') this.breaker.succeeded()
    else if (outcome === 'failed') this.breaker.failed()
    else this.breaker.cancelled()
    this.#host.onRun(this.strategy, outcome)
  }
}
