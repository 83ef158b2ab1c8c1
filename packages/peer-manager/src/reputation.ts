import type { ReportClass } from '@gridmesh/interfaces'
import { MAX_REPORT_WEIGHT, MAX_REPUTATION, POINT_SCALE } from './constants.ts'
import { REPORT_RULES } from './offences.ts'

/** A reputation and the part of it that is proved. */
export interface Standing {
  /** -100 to 100. */
  readonly reputation: number
  /** Sum of the provable penalties alone, -100 to 0: praise does not make up for it. */
  readonly provenReputation: number
}

/** What the reports of one tick add up to, in thousandths of a point. */
export interface Tally {
  total: number
  proven: number
}

/** The value that is left of `score` after `elapsedMs`. A clock that went backwards changes nothing. */
export function decay(score: number, elapsedMs: number, halfLifeMs: number): number {
  return elapsedMs > 0 ? score * 2 ** (-elapsedMs / halfLifeMs) : score
}

/**
 * Thousandths of a point that one report is worth. Rounding here, once per report, makes the sum of a tick a sum of
 * integers, which is the same in every order.
 */
export function pointsOf(reportClass: ReportClass, weight: number | undefined, lagFactor: number): number {
  const rule = REPORT_RULES[reportClass]
  const lag = rule.isTimeBased ? Math.max(1, finiteOr(lagFactor, 1)) : 1
  const factor = Math.min(Math.max(0, finiteOr(weight, 1)), MAX_REPORT_WEIGHT)
  return Math.round((rule.points * factor * POINT_SCALE) / lag)
}

/** Adds one report to the tally of its tick. */
export function addToTally(tally: Tally, reportClass: ReportClass, points: number): void {
  tally.total += points
  if (REPORT_RULES[reportClass].isProvable) tally.proven += points
}

/** Closes a tick: adds the tally to a standing that was decayed to now, and only then clamps. */
export function settle(standing: Standing, tally: Tally): Standing {
  return {
    reputation: clamp(standing.reputation + tally.total / POINT_SCALE, MAX_REPUTATION),
    provenReputation: clamp(standing.provenReputation + tally.proven / POINT_SCALE, 0),
  }
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, -MAX_REPUTATION), max)
}

function finiteOr(value: number | undefined, fallback: number): number {
  return value !== undefined && Number.isFinite(value) ? value : fallback
}
