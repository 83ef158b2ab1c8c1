import perfHooks from 'node:perf_hooks'
import { SimTimeout, timerDelay } from '../clock/sim-timer.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { patchDate } from './date.ts'
import type { PatchList } from './patch-list.ts'

const NANOSECONDS_PER_MS = 1e6
const NANOSECONDS_PER_SECOND = 1e9
const MS_PER_SECOND = 1e3
const MAX_UINT32 = 2 ** 32 - 1

const realAbortTimeout = AbortSignal.timeout.bind(AbortSignal)
const realHrtime = process.hrtime.bind(process)

/** As `AbortSignal.timeout`, by a virtual timer. */
function abortTimeout(clock: VirtualClock): (delay: number) => AbortSignal {
  return (delay) => {
    // Node.js refuses it with an error of its own.
    if (!Number.isInteger(delay) || delay < 0 || delay > MAX_UINT32) realAbortTimeout(delay)
    const controller = new AbortController()
    const abort = (): void => {
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
    new SimTimeout(clock, abort, timerDelay(delay), false).unref()
    return controller.signal
  }
}

function isDone(): boolean {
  return true
}

/** The event loop of a simulated node is late by the CPU time that its events are said to take. */
function loopMonitor(clock: VirtualClock): (options?: { resolution?: number }) => object {
  return ({ resolution = 10 } = {}) => {
    const actor = clock.current
    const value = (): number => (resolution + actor.cpuMs * (actor.backlog?.length ?? 0)) * NANOSECONDS_PER_MS
    return {
      enable: isDone,
      disable: isDone,
      reset: () => {},
      percentile: value,
      exceeds: 0,
      stddev: 0,
      count: 1,
      percentiles: new Map(),
      get mean() {
        return value()
      },
      get min() {
        return value()
      },
      get max() {
        return value()
      },
    }
  }
}

function hrtime(clock: VirtualClock): NodeJS.HRTime {
  const bigint = (): bigint => BigInt(Math.round(clock.nowMs * NANOSECONDS_PER_MS))
  const since = (earlier: [number, number] = [0, 0]): [number, number] => {
    // Node.js refuses it with an error of its own.
    if (!Array.isArray(earlier) || earlier.length !== 2) realHrtime(earlier)
    const elapsed = Math.round(clock.nowMs * NANOSECONDS_PER_MS) - (earlier[0] * NANOSECONDS_PER_SECOND + earlier[1])
    const seconds = Math.floor(elapsed / NANOSECONDS_PER_SECOND)
    return [seconds, elapsed - seconds * NANOSECONDS_PER_SECOND]
  }
  return Object.assign(since, { bigint })
}

/** Replaces everything that tells the time, or how late the event loop is. */
export function patchTime(patches: PatchList, clock: VirtualClock, epochMs: number): void {
  patchDate(patches, () => Math.floor(epochMs + clock.nowMs + clock.current.skewMs))
  patches.set(globalThis.performance, 'now', () => clock.nowMs)
  patches.setGetter(globalThis.performance, 'timeOrigin', () => epochMs + clock.current.skewMs)
  patches.set(AbortSignal, 'timeout', abortTimeout(clock))
  patches.set(process, 'hrtime', hrtime(clock))
  patches.set(process, 'uptime', () => clock.nowMs / MS_PER_SECOND)
  patches.set(perfHooks, 'monitorEventLoopDelay', loopMonitor(clock))
}
