import { monitorEventLoopDelay } from 'node:perf_hooks'
import { LAG_UNIT_MS } from './constants.ts'
import type { LoopMonitor } from './index.ts'

const NANOSECONDS_PER_MS = 1e6
/** Timers of Node.js are exact to 1 ms; less is not being late. */
const GRAIN_MS = 1
/** What of the lag is believed to last over one sample; what a deadline suffered from may be a moment ago. */
const FADE = 0.5
/** Below this the rest of a faded lag is nothing. */
const NOTHING = 0.01

function monitorLoop(resolutionMs: number): LoopMonitor {
  return monitorEventLoopDelay({ resolution: resolutionMs })
}

/** Measures how late the event loop runs while it is started. */
export class LoopDelay {
  readonly #resolutionMs: number
  readonly #createMonitor: (resolutionMs: number) => LoopMonitor
  #monitor: LoopMonitor | undefined
  #delayMs = 0
  #excess = 0

  constructor(resolutionMs: number, createMonitor: (resolutionMs: number) => LoopMonitor = monitorLoop) {
    this.#resolutionMs = resolutionMs
    this.#createMonitor = createMonitor
  }

  /** How late timers fired in the newest sample, on average, in ms. */
  get delayMs(): number {
    return this.#delayMs
  }

  /** 1 when timers are on time, and 1 more for each 20 ms of delay. Rises at once, and fades by half with each sample. */
  get lagFactor(): number {
    return 1 + this.#excess
  }

  start(): void {
    if (this.#monitor !== undefined) return
    this.#monitor = this.#createMonitor(this.#resolutionMs)
    this.#monitor.enable()
  }

  stop(): void {
    this.#monitor?.disable()
    this.#monitor = undefined
    this.#delayMs = 0
    this.#excess = 0
  }

  /** Takes over what was measured since the last call. */
  sample(): void {
    if (this.#monitor === undefined) return
    const meanMs = this.#monitor.mean / NANOSECONDS_PER_MS
    this.#monitor.reset()
    // The monitor measures the time from one timer to the next. With no timer in the sample its mean is not a number.
    const lateMs = meanMs - this.#resolutionMs - GRAIN_MS
    this.#delayMs = lateMs > 0 ? lateMs : 0
    const faded = this.#excess * FADE
    this.#excess = Math.max(this.#delayMs / LAG_UNIT_MS, faded < NOTHING ? 0 : faded)
  }
}
