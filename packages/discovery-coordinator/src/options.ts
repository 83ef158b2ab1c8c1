import type { DiscoveryNeed } from '@gridmesh/interfaces'
import {
  DEFAULT_BACKOFF_BASE_MS,
  DEFAULT_BACKOFF_MAX_MS,
  DEFAULT_BREAKER_COOL_DOWN_MS,
  DEFAULT_BREAKER_FAILURES,
  DEFAULT_DIAL_CONCURRENCY,
  DEFAULT_DIAL_DEADLINE_MS,
  DEFAULT_FEELER_INTERVAL_MS,
  DEFAULT_INTERVAL_MS,
  DEFAULT_MAX_ADDRESSES,
  DEFAULT_MAX_BACKOFFS,
  DEFAULT_MAX_CANDIDATES,
  DEFAULT_MAX_CANDIDATES_PER_RUN,
  DEFAULT_MAX_DIALS_PER_ROUND,
  DEFAULT_MAX_INTERVAL_MS,
  DEFAULT_MAX_OVERSHOOT,
  DEFAULT_MIN_OUTBOUND,
  DEFAULT_MIN_PEERS,
  DEFAULT_STABLE_MS,
  DEFAULT_STRATEGY_DEADLINE_MS,
  DEFAULT_TARGET_PEERS,
} from './constants.ts'
import { demandCounts, demandTimes } from './demand.ts'
import type { DiscoveryInit } from './index.ts'
import { peerExchange } from './peer-exchange.ts'
import { stored } from './stored.ts'

/** The options with every default applied. */
export type DiscoveryOptions = Readonly<Required<DiscoveryInit>>

const COUNTS = {
  maxCandidatesPerRun: DEFAULT_MAX_CANDIDATES_PER_RUN,
  breakerFailures: DEFAULT_BREAKER_FAILURES,
  maxCandidates: DEFAULT_MAX_CANDIDATES,
  maxAddresses: DEFAULT_MAX_ADDRESSES,
  dialConcurrency: DEFAULT_DIAL_CONCURRENCY,
  maxDialsPerRound: DEFAULT_MAX_DIALS_PER_ROUND,
  maxBackoffs: DEFAULT_MAX_BACKOFFS,
}

const TIMES = {
  intervalMs: DEFAULT_INTERVAL_MS,
  maxIntervalMs: DEFAULT_MAX_INTERVAL_MS,
  strategyDeadlineMs: DEFAULT_STRATEGY_DEADLINE_MS,
  breakerCoolDownMs: DEFAULT_BREAKER_COOL_DOWN_MS,
  dialDeadlineMs: DEFAULT_DIAL_DEADLINE_MS,
  backoffBaseMs: DEFAULT_BACKOFF_BASE_MS,
  backoffMaxMs: DEFAULT_BACKOFF_MAX_MS,
  stableMs: DEFAULT_STABLE_MS,
  feelerIntervalMs: DEFAULT_FEELER_INTERVAL_MS,
}

/** Applies the defaults. @throws {RangeError} for a value that no coordinator can keep */
export function resolveOptions(init: DiscoveryInit): DiscoveryOptions {
  const { minPeers = DEFAULT_MIN_PEERS, maxOvershoot = DEFAULT_MAX_OVERSHOOT } = init
  const { targetPeers = Math.max(DEFAULT_TARGET_PEERS, minPeers) } = init
  // Each link is outbound at one end only: were more than half of the target asked of all, all would go beyond it.
  const { minOutbound = Math.min(DEFAULT_MIN_OUTBOUND, Math.ceil(targetPeers / 2)) } = init
  const { strategies = [stored(), peerExchange()], needs = (): readonly DiscoveryNeed[] => [] } = init
  const counts = { ...COUNTS, ...only(init, COUNTS) }
  const times = { ...TIMES, ...only(init, TIMES) }
  demandCounts(counts)
  demandTimes(times)
  demand('minPeers', minPeers, Number.isSafeInteger(minPeers) && minPeers >= 0, 'a whole number, 0 or more')
  const isTarget = Number.isSafeInteger(targetPeers) && targetPeers >= minPeers
  demand('targetPeers', targetPeers, isTarget, `a whole number, minPeers ${minPeers} or more`)
  const isOutbound = Number.isSafeInteger(minOutbound) && minOutbound >= 0 && minOutbound <= targetPeers
  demand('minOutbound', minOutbound, isOutbound, `a whole number, 0 to targetPeers ${targetPeers}`)
  demand('maxOvershoot', maxOvershoot, maxOvershoot >= 1 && maxOvershoot < Infinity, '1 or more')
  const { intervalMs, maxIntervalMs, backoffBaseMs, backoffMaxMs } = times
  demand('maxIntervalMs', maxIntervalMs, maxIntervalMs >= intervalMs, `intervalMs ${intervalMs} or more`)
  demand('backoffMaxMs', backoffMaxMs, backoffMaxMs >= backoffBaseMs, `backoffBaseMs ${backoffBaseMs} or more`)
  return { ...counts, ...times, minPeers, targetPeers, minOutbound, maxOvershoot, strategies, needs }
}

/** The values given for the names of `defaults`. */
function only<D extends Record<string, number>>(init: Partial<D>, defaults: D): Partial<D> {
  const given: Partial<D> = {}
  for (const name in defaults) {
    if (init[name] !== undefined) given[name] = init[name]
  }
  return given
}

function demand(name: string, value: number, isFine: boolean, rule: string): void {
  if (!isFine) throw new RangeError(`${name} ${value} must be ${rule}`)
}
