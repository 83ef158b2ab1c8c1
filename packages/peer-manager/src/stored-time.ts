import { EARLIEST_TIME_MS, MAX_AHEAD_MS } from './constants.ts'

/** Whether a clock that tells this time was set. */
export function isSet(nowMs: number): boolean {
  return nowMs >= EARLIEST_TIME_MS
}

/**
 * A time as it was stored, though the clock may not have come as far yet: a node without a battery boots in 1970, and
 * its records would be half a century old as soon as the clock is set. What is too far ahead of a clock that is set is
 * taken as now, or it would never grow old.
 */
export function readBack(timeMs: number, nowMs: number): number {
  return isSet(nowMs) && timeMs > nowMs + MAX_AHEAD_MS ? nowMs : timeMs
}
