import type { Limit } from './limits.ts'

// A bucket counted from its other end: each charge adds to what is owed, time takes away at the rate, and a key that
// owes nothing is as good as new, whatever its limits are or become.

/** What is left of `owed` after `elapsedMs`. */
export function remaining(owed: number, elapsedMs: number, limit: Limit): number {
  // Multiplied before it is divided: whole numbers then stay whole.
  return owed === 0 ? 0 : Math.max(0, owed - (elapsedMs * limit.perSecond) / 1_000)
}

/** Whether `cost` may be added. To who owes nothing any cost may: one above the burst could otherwise never pass. */
export function fits(owed: number, cost: number, limit: Limit): boolean {
  return owed + cost <= limit.burst || cost === 0 || owed === 0
}

/** Time until `cost` may be added, in whole ms; 0 when it may be now. */
export function waitMs(owed: number, cost: number, limit: Limit): number {
  if (fits(owed, cost, limit)) return 0
  return Math.max(1, Math.ceil((Math.min(owed, owed + cost - limit.burst) * 1_000) / limit.perSecond))
}
