import { MAX_TIMER_MS } from './constants.ts'

/** @throws {RangeError} unless every value is a whole number above 0 */
export function demandCounts(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`${name} ${value} must be a whole number above 0`)
  }
}

/** @throws {RangeError} unless every value is a time that a timer can wait, in ms */
export function demandTimes(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && value <= MAX_TIMER_MS)) {
      throw new RangeError(`${name} ${value} must be above 0 and at most ${MAX_TIMER_MS}`)
    }
  }
}
