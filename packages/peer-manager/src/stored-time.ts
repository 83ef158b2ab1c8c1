import { CLOCK_TOLERANCE_MS, MAX_AWAY_MS, MAX_TIME_MS } from './constants.ts'

/**
 * By how much the times of a value move that was read `awayMs` after it was written, by the calendar. Where that is a
 * time that a node can have been away, not at all. Where it is negative, or more than a year, the clock was wrong then
 * or is now: the times move along, as if none had passed.
 */
export function correctionMs(awayMs: number): number {
  return awayMs >= -CLOCK_TOLERANCE_MS && awayMs <= MAX_AWAY_MS ? 0 : awayMs
}

/** A time moved by `byMs`, within what `Date` can express. For ever stays for ever. */
export function movedTime(timeMs: number, byMs: number): number {
  return timeMs === MAX_TIME_MS ? timeMs : Math.max(-MAX_TIME_MS, Math.min(timeMs + byMs, MAX_TIME_MS))
}
