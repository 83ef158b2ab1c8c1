import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Buckets } from './buckets.ts'

const NANOSECONDS = 1e9

/** What is used of Node.js's monitor. */
export interface LagMonitor {
  readonly count: number
  /** In nanoseconds. */
  readonly mean: number
  /** In nanoseconds. */
  percentile(percentile: number): number
  reset(): void
  enable(): void
  disable(): void
}

function monitorLoop(resolution: number): LagMonitor {
  return monitorEventLoopDelay({ resolution })
}

/** Samples how late the event loop runs while it is started, and counts the lag in buckets of seconds. */
export class EventLoopLag {
  readonly #buckets: Buckets
  readonly #resolutionMs: number
  readonly #createMonitor: (resolutionMs: number) => LagMonitor
  #monitor: LagMonitor | undefined

  constructor(buckets: Buckets, resolutionMs: number, createMonitor = monitorLoop) {
    this.#buckets = buckets
    this.#resolutionMs = resolutionMs
    this.#createMonitor = createMonitor
  }

  start(): void {
    if (this.#monitor != null) return
    this.#monitor = this.#createMonitor(this.#resolutionMs)
    this.#monitor.enable()
  }

  stop(): void {
    this.collect()
    this.#monitor?.disable()
    this.#monitor = undefined
  }

  /** Moves what was sampled since the last call into the buckets. */
  collect(): void {
    const monitor = this.#monitor
    if (monitor == null || monitor.count === 0) return
    const { count, mean } = monitor
    // A sample is the time between two timers, so a loop that is never late still samples the resolution.
    const lagAt = (rank: number): number => lagOf(monitor.percentile((rank / count) * 100), this.#resolutionMs)
    // Buckets keep one sum for all of them, so it does not matter which bucket a part of it is added with.
    const meanLag = lagOf(mean, this.#resolutionMs)
    let counted = 0
    for (const bound of [...this.#buckets.bounds, Infinity]) {
      const upTo = bound === Infinity ? count : ranksUpTo(count, counted, (rank) => lagAt(rank) <= bound)
      if (upTo > counted) this.#buckets.add('', bound, upTo - counted, meanLag * (upTo - counted))
      counted = upTo
    }
    monitor.reset()
  }
}

function lagOf(nanoseconds: number, resolutionMs: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS - resolutionMs / 1_000)
}

/** The highest rank above `from` that passes a test which every lower rank passes too; `from` when none does. */
function ranksUpTo(count: number, from: number, passes: (rank: number) => boolean): number {
  let low = from
  let high = count
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (passes(middle)) low = middle
    else high = middle - 1
  }
  return low
}
