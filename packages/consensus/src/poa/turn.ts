import type { HeaderFacts } from '../ports.ts'
import { AuthoritySet } from './authority-set.ts'
import { type PoaRulesInit, type PoaRulesOptions, rulesOptions } from './options.ts'

/** Why somebody may not have made a header. */
export type TurnCode = 'not-authority' | 'too-early' | 'not-your-turn' | 'time-ahead'

/** A header is not its proposer's to make. */
export interface TurnRefusal {
  code: TurnCode
  message: string
  /** With `time-ahead` only: the time after which the same header is good, in ms. */
  retryInMs?: number
}

/** Options of `checkTurn`. */
export interface CheckTurnInit extends PoaRulesInit {
  /** Calendar time by our clock, in ms; without it no header is `time-ahead`. */
  nowMs?: number
}

/** By how much a block of a rank has to be later than its parent, in ms. */
export function earliestMs(rank: number, { minIntervalMs, fallbackMs }: PoaRulesOptions): number {
  return minIntervalMs + rank * fallbackMs
}

/** Whether a block counts as made in turn: by the one whose turn it is, and before that turn was taken for missed. */
export function isInTurn(
  header: HeaderFacts,
  parent: HeaderFacts,
  set: AuthoritySet,
  { maxIntervalMs, fallbackMs }: PoaRulesOptions,
): boolean {
  const delayMs = header.timeMs - parent.timeMs
  return set.rankOf(header.proposer, header.height) === 0 && delayMs < maxIntervalMs + fallbackMs
}

/**
 * Whether a header is its proposer's to make, by the times that it and its parent state. A block is valid when the
 * proposer is an authority of rank `r` at this height, and its time is later than the parent's by at least
 * `minIntervalMs + r × fallbackMs`. That the two follow each other is for the chain to check.
 *
 * @throws {RangeError} when a rule is out of its range, or there are no authorities
 */
export function checkTurn(
  header: HeaderFacts,
  parent: HeaderFacts,
  authorities: readonly string[],
  init: CheckTurnInit = {},
): TurnRefusal | undefined {
  return refusalOf(header, parent, AuthoritySet.of(authorities), rulesOptions(init), init.nowMs)
}

export function refusalOf(
  header: HeaderFacts,
  parent: HeaderFacts,
  set: AuthoritySet,
  rules: PoaRulesOptions,
  nowMs: number | undefined,
): TurnRefusal | undefined {
  const { proposer, height, timeMs } = header
  const rank = set.rankOf(proposer, height)
  if (rank === undefined) return { code: 'not-authority', message: `${proposer} is none of ${set.size} authorities` }
  const delayMs = timeMs - parent.timeMs
  const dueMs = earliestMs(rank, rules)
  // Not `<`: what is not a number has to be refused.
  if (!(delayMs >= dueMs)) {
    const code = delayMs >= rules.minIntervalMs ? 'not-your-turn' : 'too-early'
    return { code, message: `${delayMs} ms after its parent, where rank ${rank} may come after ${dueMs} ms` }
  }
  // Last, since time cures nothing of the above.
  if (nowMs === undefined) return undefined
  const aheadMs = timeMs - nowMs
  if (aheadMs <= rules.maxClockAheadMs) return undefined
  const message = `${aheadMs} ms ahead of this clock, and ${rules.maxClockAheadMs} ms are the most`
  return { code: 'time-ahead', message, retryInMs: aheadMs - rules.maxClockAheadMs }
}
