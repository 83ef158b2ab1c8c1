import type { ChainTip } from '@gridmesh/interfaces'
import type { AuthoritySet } from './authority-set.ts'
import type { PoaRulesOptions } from './options.ts'
import type { PoaStanding } from './standing.ts'

/** A height that is ours to make, sooner or later. */
export interface Turn {
  rank: number
  /** The lock that we take by being in turn; without it the block must not count as one in turn. */
  lock?: ChainTip
  /** Not to wait for transactions. */
  isHurried: boolean
}

/** What the time of a proposal goes by, each on the calendar clock, in ms. */
export interface Times {
  /** That the parent states. */
  parentMs: number
  /** When the parent became the head here. */
  openedMs: number
  /** Since when a transaction waits here, never before `openedMs`; `undefined` while none does. */
  waitingSinceMs: number | undefined
}

/**
 * Whether whoever is in turn at `height` is not to wait for transactions, because one of its last two turns went by
 * without a block of its own in turn, or nothing became final for long. Another one that sees transactions, or says so,
 * might take turns of those that see none, a different one each round, and nothing would become final.
 */
export function isInHurry({ votes, final }: PoaStanding, height: number, { size }: AuthoritySet): boolean {
  const hasMissed = [height - size, height - 2 * size].some((turn) => turn >= 1 && !votes.includes(turn))
  // With a quorum alive it takes 2n blocks, and as many more as lie between two votes.
  return hasMissed || height - final > 3 * size
}

/**
 * Whether a block with transactions is not final yet, so that the blocks that it lacks are made as if transactions
 * waited. Only as many as a quorum alive needs for it: without one it would be empty blocks for ever.
 */
export function isAwaited({ filled, final }: PoaStanding, headHeight: number, { size }: AuthoritySet): boolean {
  return filled > final && headHeight - filled < 3 * size
}

/**
 * When to propose. In turn: as soon as a transaction waits and `minIntervalMs` have passed since the parent, and at
 * `maxIntervalMs` in any case, or at `minIntervalMs` where it hurries. Rank r comes `r × fallbackMs` later than that. One
 * whose turn it is, and who must not vote, comes after all others: so late that its block does not count as in turn.
 */
export function dueAt(
  turn: Turn,
  { parentMs, openedMs, waitingSinceMs }: Times,
  set: AuthoritySet,
  rules: PoaRulesOptions,
): number {
  const lastMs = Math.max(openedMs, parentMs + rules.maxIntervalMs)
  if (turn.rank === 0 && turn.lock === undefined) return lastMs + set.size * rules.fallbackMs
  const firstMs = parentMs + rules.minIntervalMs
  if (turn.isHurried) return firstMs
  const readyMs = waitingSinceMs === undefined ? lastMs : Math.min(lastMs, Math.max(firstMs, waitingSinceMs))
  return readyMs + turn.rank * rules.fallbackMs
}
