import type { BreakerState } from './circuit-breaker.ts'

/** What one strategy did. */
export interface StrategyStats {
  /** Runs that came to an end. */
  runs: number
  /** Runs that failed, or were late and brought nothing. */
  failures: number
  /** New candidates. */
  candidates: number
  /** Dials to its candidates. */
  dials: number
  /** Dials that succeeded. */
  successes: number
  /** Whether it is left alone at the moment. */
  breaker: BreakerState
}

/** What was done since the node was made, and how things stand. */
export interface DiscoveryStats {
  /** Peers that count towards minimum and target. */
  ready: number
  /** Those of them that we dialled. */
  outbound: number
  /** Peers with a connection. */
  linked: number
  /** Candidates held. */
  candidates: number
  /** Dials under way. */
  dialing: number
  /** Rounds of the schedule. */
  rounds: number
  /** Rounds below the minimum, up to now and in a row, that brought nothing. */
  fruitlessRounds: number
  /** `neutral` dials were refused or stopped by ourselves. */
  dials: { attempts: number; succeeded: number; failed: number; neutral: number }
  /** Learnt share of dials that succeed, 0 to 1. */
  successRatio: number
  /** Tests of unknown addresses. */
  feelers: { attempts: number; succeeded: number }
  /** By name. */
  strategies: Record<string, StrategyStats>
  /** How long it took last to reach the minimum, in ms. */
  timeToMinimumMs?: number
  /** How long it took last to reach the target, in ms. */
  timeToTargetMs?: number
}
