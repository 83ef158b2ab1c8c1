import { checkWhole } from '../checks.ts'
import { checkForkChoice, type PoaForkChoice } from './fork-choice.ts'
import {
  DEFAULT_FALLBACK_MS,
  DEFAULT_MAX_CLOCK_AHEAD_MS,
  DEFAULT_MAX_INTERVAL_MS,
  DEFAULT_MIN_INTERVAL_MS,
  MAX_INTERVAL_MS,
} from '../constants.ts'

/**
 * How many authorities make a quorum.
 *
 * - `majority`: more than half; final blocks are safe while authorities do nothing worse than crash
 * - `two-thirds`: more than two thirds; they are safe while less than one third does whatever it likes
 */
export type Quorum = 'majority' | 'two-thirds'

/** The rules of proof of authority. All but `maxClockAheadMs` have to be the same on every node of a chain. */
export interface PoaRulesInit {
  /** Time from one block to the next at least, in ms, from 1. @default 300 */
  minIntervalMs?: number
  /** Time after which an empty block is made, in ms, above `minIntervalMs`. @default 10_000 */
  maxIntervalMs?: number
  /** How much later than the one before each further authority in order may make a block, in ms. @default 1_000 */
  fallbackMs?: number
  /** How far a header may be ahead of our clock, in ms, up to `fallbackMs`; beyond it is refused for now. @default 500 */
  maxClockAheadMs?: number
  /** Authorities that make a block final: `majority`, or `two-thirds`. @default 'majority' */
  quorum?: Quorum
  /** Which of two branches is better: `authority`, `timestampReputation` or `longest`. @default 'authority' */
  forkChoice?: PoaForkChoice
}

export type PoaRulesOptions = Required<PoaRulesInit>

/** The rules with defaults applied. @throws {RangeError} when one of them is out of its range */
export function rulesOptions(init: PoaRulesInit): PoaRulesOptions {
  const {
    minIntervalMs = DEFAULT_MIN_INTERVAL_MS,
    maxIntervalMs = DEFAULT_MAX_INTERVAL_MS,
    fallbackMs = DEFAULT_FALLBACK_MS,
    maxClockAheadMs = Math.min(DEFAULT_MAX_CLOCK_AHEAD_MS, fallbackMs),
    quorum = 'majority',
    forkChoice = 'authority',
  } = init
  checkWhole('minIntervalMs', minIntervalMs, 1, MAX_INTERVAL_MS - 1)
  checkWhole('maxIntervalMs', maxIntervalMs, minIntervalMs + 1, MAX_INTERVAL_MS)
  checkWhole('fallbackMs', fallbackMs, 1, MAX_INTERVAL_MS)
  // A clock further ahead than that would take the turn of another who is not late at all.
  checkWhole('maxClockAheadMs', maxClockAheadMs, 0, fallbackMs)
  if (!['majority', 'two-thirds'].includes(quorum)) {
    throw new RangeError(`quorum ${quorum} is neither 'majority' nor 'two-thirds'`)
  }
  checkForkChoice(forkChoice)
  return { minIntervalMs, maxIntervalMs, fallbackMs, maxClockAheadMs, quorum, forkChoice }
}
