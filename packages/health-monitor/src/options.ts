import {
  DEFAULT_AUTHORITY_ROLES,
  DEFAULT_AVAILABILITY_WINDOW_MS,
  DEFAULT_CHURN_WINDOW_MS,
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_HISTORY_SIZE,
  DEFAULT_LATENCY_WINDOW,
  DEFAULT_LOOP_RESOLUTION_MS,
  DEFAULT_LOST_PEER_MS,
  DEFAULT_MAX_PARALLEL_PINGS,
  DEFAULT_MAX_PEERS,
  DEFAULT_MAX_REGIONS,
  DEFAULT_MAX_UNSEEN_MS,
  DEFAULT_PING_DEADLINE_MS,
  DEFAULT_PING_INTERVAL_MS,
  DEFAULT_SAMPLE_INTERVAL_MS,
  DEFAULT_SUCCESS_WINDOW_MS,
  MAX_TIMER_MS,
} from './constants.ts'
import { type HealthScoreRules, resolveScoreRules } from './health-score.ts'
import type { HealthMonitorInit, HealthScoreInit, LoadMeterInit } from './index.ts'
import { type LoadRules, resolveLoadRules } from './load-meter.ts'

type Injected = 'queueDepth' | 'successRate' | 'viewOverlap' | 'createLoopMonitor'
type Own = Omit<HealthMonitorInit, keyof HealthScoreInit | keyof LoadMeterInit | Injected>

/** The options with every default applied; what is injected has none. */
export type HealthOptions = Readonly<Required<Own>> &
  Pick<HealthMonitorInit, Injected> & { readonly score: HealthScoreRules; readonly load: LoadRules }

const DEFAULTS: Readonly<Required<Own>> = {
  pingIntervalMs: DEFAULT_PING_INTERVAL_MS,
  pingDeadlineMs: DEFAULT_PING_DEADLINE_MS,
  maxParallelPings: DEFAULT_MAX_PARALLEL_PINGS,
  maxUnseenMs: DEFAULT_MAX_UNSEEN_MS,
  closeTimeoutMs: DEFAULT_CLOSE_TIMEOUT_MS,
  latencyWindow: DEFAULT_LATENCY_WINDOW,
  historySize: DEFAULT_HISTORY_SIZE,
  availabilityWindowMs: DEFAULT_AVAILABILITY_WINDOW_MS,
  churnWindowMs: DEFAULT_CHURN_WINDOW_MS,
  successWindowMs: DEFAULT_SUCCESS_WINDOW_MS,
  lostPeerMs: DEFAULT_LOST_PEER_MS,
  maxPeers: DEFAULT_MAX_PEERS,
  maxRegions: DEFAULT_MAX_REGIONS,
  authorityRoles: DEFAULT_AUTHORITY_ROLES,
  authorities: [],
  sampleIntervalMs: DEFAULT_SAMPLE_INTERVAL_MS,
  loopResolutionMs: DEFAULT_LOOP_RESOLUTION_MS,
}

const COUNTS = [
  'maxParallelPings',
  'latencyWindow',
  'historySize',
  'maxPeers',
  'maxRegions',
  'loopResolutionMs',
] as const
const TIMERS = ['pingIntervalMs', 'pingDeadlineMs', 'closeTimeoutMs', 'sampleIntervalMs'] as const
const WINDOWS = ['availabilityWindowMs', 'churnWindowMs', 'successWindowMs'] as const

/** Applies the defaults. @throws {RangeError} for a value that no health monitor can keep */
export function resolveOptions(init: HealthMonitorInit = {}): HealthOptions {
  const options = { ...DEFAULTS, ...init, score: resolveScoreRules(init), load: resolveLoadRules(init) }
  for (const name of COUNTS) {
    demand(name, options[name], Number.isSafeInteger(options[name]) && options[name] > 0, 'a whole number above 0')
  }
  for (const name of TIMERS) {
    demand(
      name,
      options[name],
      options[name] > 0 && options[name] <= MAX_TIMER_MS,
      `above 0 and at most ${MAX_TIMER_MS}`,
    )
  }
  for (const name of WINDOWS) {
    demand(name, options[name], options[name] > 0 && options[name] < Infinity, 'a finite number above 0')
  }
  for (const name of ['maxUnseenMs', 'lostPeerMs'] as const) demand(name, options[name], options[name] > 0, 'above 0')
  return options
}

function demand(name: string, value: number, isFine: boolean, rule: string): void {
  if (!isFine) throw new RangeError(`${name} ${value} must be ${rule}`)
}
