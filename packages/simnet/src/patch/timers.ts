import timers from 'node:timers'
import { promisify } from 'node:util'
import { findTimer, SimImmediate, SimTimeout, type TimerCallback, timerDelay } from '../clock/sim-timer.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { PatchList } from './patch-list.ts'
import { type PromisedTimers, promisedTimers } from './promised-timers.ts'

type Callback = (...args: unknown[]) => void
type AnyTimer = SimTimeout | NodeJS.Timeout | number | string | undefined

const realSetTimeout = globalThis.setTimeout
const realClearTimeout = globalThis.clearTimeout
const realClearImmediate = globalThis.clearImmediate

function bind(callback: Callback, args: unknown[]): TimerCallback {
  // Node.js refuses it with an error of its own.
  if (typeof callback !== 'function') realSetTimeout(callback)
  if (args.length === 0) return callback
  return function withArguments() {
    Reflect.apply(callback, this, args)
  }
}

function clearTimer(timer: AnyTimer): void {
  const simulated = findTimer(timer)
  if (simulated !== undefined) simulated.close()
  // It was made before the run: a real one.
  else if (!(timer instanceof SimTimeout)) realClearTimeout(timer)
}

function clearImmediateTimer(immediate: SimImmediate | NodeJS.Immediate | undefined): void {
  if (immediate instanceof SimImmediate) immediate.close()
  else realClearImmediate(immediate)
}

function timerFunctions(clock: VirtualClock, promised: PromisedTimers): object {
  const functions = {
    setTimeout: (callback: Callback, delay?: unknown, ...args: unknown[]) =>
      new SimTimeout(clock, bind(callback, args), timerDelay(delay), false),
    setInterval: (callback: Callback, delay?: unknown, ...args: unknown[]) =>
      new SimTimeout(clock, bind(callback, args), timerDelay(delay), true),
    setImmediate: (callback: Callback, ...args: unknown[]) => new SimImmediate(clock, bind(callback, args)),
    clearTimeout: clearTimer,
    clearInterval: clearTimer,
    clearImmediate: clearImmediateTimer,
  }
  Object.defineProperty(functions.setTimeout, promisify.custom, { value: promised.setTimeout })
  Object.defineProperty(functions.setImmediate, promisify.custom, { value: promised.setImmediate })
  return functions
}

/** Replaces the timers of the globals, of `node:timers` and of `node:timers/promises`. */
export function patchTimers(patches: PatchList, clock: VirtualClock): void {
  const promised = promisedTimers(clock)
  for (const [name, value] of Object.entries(timerFunctions(clock, promised))) {
    patches.set(globalThis, name, value)
    patches.set(timers, name, value)
  }
  for (const [name, value] of Object.entries(promised)) patches.set(timers.promises, name, value)
}
