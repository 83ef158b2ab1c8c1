import type { ReportClass } from '@gridmesh/interfaces'

/** What one class of report means. */
export interface ReportRule {
  /** Reputation that a report of weight 1 adds. */
  readonly points: number
  /** The bytes themselves prove it: no load, delay or fault of ours could make an honest peer look so. */
  readonly isProvable: boolean
  /** It was measured with our own clock, so our own lag may be the cause. */
  readonly isTimeBased: boolean
  /** Ban of a peer that reaches `banReputation` with this as the gravest of its late reports, in ms. */
  readonly banMs: number
  /** What the peer did, for `explain`. */
  readonly inWords: string
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const BLAMELESS = { isProvable: false, isTimeBased: false, banMs: 0 }
const TIMED = { isProvable: false, isTimeBased: true, banMs: 30 * MINUTE_MS }
const PROVABLE = { isProvable: true, isTimeBased: false }

/**
 * The class table. `absent` costs nothing: not having something is no lie, and honest peers were banned for it
 * elsewhere. `provable-lie` outweighs the whole scale, so that no good past buys one.
 */
export const REPORT_RULES: Readonly<Record<ReportClass, ReportRule>> = {
  useful: { points: 1, ...BLAMELESS, inWords: 'was the first to bring something new and valid' },
  absent: { points: 0, ...BLAMELESS, inWords: 'did not have what was asked for' },
  slow: { points: -2, ...TIMED, inWords: 'answered late, or not at all' },
  'rate-limited': { points: -5, ...TIMED, inWords: 'sent more than its limit' },
  'invalid-message': { points: -10, ...PROVABLE, banMs: 12 * HOUR_MS, inWords: 'sent a message that breaks its rules' },
  'protocol-violation': { points: -10, ...PROVABLE, banMs: 12 * HOUR_MS, inWords: 'broke a protocol' },
  'invalid-signature': {
    points: -25,
    ...PROVABLE,
    banMs: 24 * HOUR_MS,
    inWords: 'sent a signature that does not verify',
  },
  'provable-lie': {
    points: -200,
    ...PROVABLE,
    banMs: 24 * HOUR_MS,
    inWords: 'signed two things that cannot both be true',
  },
}

/** Every class, the gravest last. */
export const REPORT_CLASSES = [
  'useful',
  'absent',
  'slow',
  'rate-limited',
  'invalid-message',
  'protocol-violation',
  'invalid-signature',
  'provable-lie',
] as const satisfies readonly ReportClass[]

/** The shortest ban there is. */
export const SHORTEST_BAN_MS = TIMED.banMs

/** Whether a string that came from outside the type system names a class. */
export function isReportClass(value: string): value is ReportClass {
  return Object.hasOwn(REPORT_RULES, value)
}

/** A count of 0 for each class. */
export function zeroPerClass(): Record<ReportClass, number> {
  return {
    useful: 0,
    absent: 0,
    slow: 0,
    'rate-limited': 0,
    'invalid-message': 0,
    'protocol-violation': 0,
    'invalid-signature': 0,
    'provable-lie': 0,
  }
}
