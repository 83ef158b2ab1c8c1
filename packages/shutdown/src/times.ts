import { MAX_TIMER_MS } from './constants.ts'

/** Returns the time that the option `name` was given. @throws {RangeError} unless a timer can wait that long */
export function timeMs(name: string, value: number): number {
  if (value > 0 && value <= MAX_TIMER_MS) return value
  throw new RangeError(`${name} is ${value}, and must be above 0 and at most ${MAX_TIMER_MS}`)
}
