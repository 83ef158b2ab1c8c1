import perfHooks from 'node:perf_hooks'
import { RealDate } from '../clock/real.ts'
import { SimTimeout } from '../clock/sim-timer.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'

const NANOSECONDS_PER_MS = 1e6
const NANOSECONDS_PER_SECOND = 1e9

/** A `Date` whose present is virtual, and the same class to `instanceof` as the real one. */
function simDate(nowMs: () => number): DateConstructor {
  function SimDate(this: unknown, ...args: []): Date | string {
    if (new.target === undefined) return new RealDate(nowMs()).toString()
    return Reflect.construct(RealDate, args.length === 0 ? [nowMs()] : args, new.target)
  }
  SimDate.prototype = RealDate.prototype
  Object.defineProperty(SimDate, 'name', { value: 'Date' })
  Object.defineProperty(SimDate, 'now', { value: nowMs, writable: true, configurable: true })
  // `parse` and `UTC` are inherited.
  return Object.setPrototypeOf(SimDate, RealDate)
}

/** As `AbortSignal.timeout`, by a virtual timer. */
function abortTimeout(clock: VirtualClock): (delay: number) => AbortSignal {
  return (delay) => {
    if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`The delay of an abort signal is 0 to 2^53 - 1 ms, not ${delay}`)
    }
    const controller = new AbortController()
    const abort = (): void => {
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
    new SimTimeout(clock, abort, Math.max(1, Math.trunc(delay)), false).unref()
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
    const elapsed = Math.round(clock.nowMs * NANOSECONDS_PER_MS) - (earlier[0] * NANOSECONDS_PER_SECOND + earlier[1])
    return [Math.floor(elapsed / NANOSECONDS_PER_SECOND), elapsed % NANOSECONDS_PER_SECOND]
  }
  return Object.assign(since, { bigint })
}

/** Replaces everything that tells the time, or how late the event loop is. */
export function patchTime(patches: PatchList, clock: VirtualClock, epochMs: number): void {
  patches.set(
    globalThis,
    'Date',
    simDate(() => Math.floor(epochMs + clock.nowMs + clock.current.skewMs)),
  )
  patches.set(globalThis.performance, 'now', () => clock.nowMs)
  patches.set(AbortSignal, 'timeout', abortTimeout(clock))
  patches.set(process, 'hrtime', hrtime(clock))
  patches.set(perfHooks, 'monitorEventLoopDelay', loopMonitor(clock))
}
