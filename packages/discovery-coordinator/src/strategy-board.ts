import type { Candidate, DiscoveryNeed } from '@gridmesh/interfaces'
import type { Connection, Logger, PeerId } from '@libp2p/interface'
import type { BreakerState } from './circuit-breaker.ts'
import { STRATEGY_STOP_MS } from './constants.ts'
import { within } from './deadline.ts'
import type { SourcedCandidate, Strategy } from './strategy.ts'
import { type RunnerHost, type RunnerInit, StrategyRunner } from './strategy-runner.ts'

/** All strategies of a node: asks them, tells them, starts and stops them. What one throws does not touch the others. */
export class StrategyBoard {
  readonly #runners: readonly StrategyRunner[]
  readonly #log: Logger

  /** @throws {RangeError} when two strategies have one name */
  constructor(strategies: readonly Strategy[], init: RunnerInit, host: RunnerHost, log: Logger) {
    const names = strategies.map(({ name }) => name)
    const double = names.find((name, at) => names.indexOf(name) !== at)
    if (double !== undefined) throw new RangeError(`strategies has two of the name ${double}: each needs its own`)
    this.#runners = strategies.map((strategy) => new StrategyRunner(strategy, init, host, log))
    this.#log = log
  }

  /** Asks those that are idle and not held back by their breakers; fallbacks only in need. */
  ask(need: readonly DiscoveryNeed[], signal: AbortSignal, isInNeed: boolean): void {
    for (const runner of this.#runners) {
      if (isInNeed || runner.strategy.isFallback !== true) runner.start(need, signal)
    }
    if (!isInNeed || this.#runners.some(({ isRunning }) => isRunning)) return
    // All breakers are open. To wait for them would be to sleep, so the one that is due first is tried early.
    const [first] = this.#runners.toSorted((a, b) => a.breaker.openUntil - b.breaker.openUntil)
    first?.start(need, signal, true)
  }

  /** Asks all of them, and joins those that are being asked. Resolves with the number of new candidates. */
  async askAll(need: readonly DiscoveryNeed[], signal: AbortSignal): Promise<number> {
    for (const runner of this.#runners) runner.start(need, signal, true)
    return this.whenIdle()
  }

  /** Resolves, with the number of their new candidates, when the runs under way are over. */
  async whenIdle(): Promise<number> {
    const counts = await Promise.all(this.#runners.map(async (runner) => runner.whenOver()))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Fallbacks are asked again without delay. */
  resetFallbacks(): void {
    for (const { strategy, breaker } of this.#runners) if (strategy.isFallback === true) breaker.reset()
  }

  breaker(name: string): BreakerState {
    return this.#runners.find(({ strategy }) => strategy.name === name)?.breaker.state ?? 'closed'
  }

  found(candidate: SourcedCandidate, by: Strategy): void {
    this.#tell((strategy) => strategy !== by && strategy.found?.(candidate, by.name))
  }

  succeeded(candidate: Candidate): void {
    this.#tell((strategy) => strategy.succeeded?.(candidate))
  }

  /** What the first strategy that has any gives. */
  async referrals(asker: PeerId, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const strategy = this.#runners.find((runner) => runner.strategy.referrals !== undefined)?.strategy
    return (await strategy?.referrals?.(asker, signal)) ?? []
  }

  referred(records: readonly Uint8Array[], connection: Connection): void {
    this.#tell((strategy) => strategy.referred?.(records, connection))
  }

  failed(peer: PeerId): void {
    this.#tell((strategy) => strategy.failed?.(peer))
  }

  /** Starts all strategies; one that fails to is logged, and asked all the same. */
  async start(): Promise<void> {
    await this.#all('start', async (strategy) => strategy.start?.())
  }

  async stop(): Promise<void> {
    await this.#all('stop', async (strategy) => strategy.stop?.())
  }

  async #all(what: string, call: (strategy: Strategy) => Promise<void>): Promise<void> {
    const calls = this.#runners.map(async ({ strategy }) => {
      try {
        await within(STRATEGY_STOP_MS, undefined, async () => call(strategy))
      } catch (err) {
        this.#log.error('strategy %s did not %s - %e', strategy.name, what, err)
      }
    })
    await Promise.all(calls)
  }

  #tell(tell: (strategy: Strategy) => unknown): void {
    for (const { strategy } of this.#runners) {
      try {
        tell(strategy)
      } catch (err) {
        this.#log.error('strategy %s did not take what it was told - %e', strategy.name, err)
      }
    }
  }
}
