import { Backoff } from './backoff.ts'
import { checkCount, checkTime } from './checks.ts'
import {
  DEFAULT_COOL_DOWN_MS,
  DEFAULT_DIAL_DEADLINE_MS,
  DEFAULT_FACTOR,
  DEFAULT_FAILURE_THRESHOLD,
  DEFAULT_INITIAL_DELAY_MS,
  DEFAULT_LATER_DELAY_MS,
  DEFAULT_MAX_ADDRESSES,
  DEFAULT_MAX_CONCURRENT,
  DEFAULT_MAX_DELAY_MS,
  DEFAULT_MAX_HISTORY,
  DEFAULT_MAX_PEERS,
  DEFAULT_MAX_TRIES,
  DEFAULT_STABLE_MS,
  MAX_TIMER_MS,
} from './constants.ts'
import type { ReconnectionInit } from './index.ts'

/** The numeric options with every default applied. */
export type ReconnectionOptions = Readonly<Required<Omit<ReconnectionInit, 'important' | 'bootstrap'>>>

/** Applies the defaults. @throws {RangeError} for a value out of its range */
export function resolveOptions(init: ReconnectionInit): ReconnectionOptions {
  const maxDelayMs = init.maxDelayMs ?? DEFAULT_MAX_DELAY_MS
  const options: ReconnectionOptions = {
    initialDelayMs: init.initialDelayMs ?? Math.min(DEFAULT_INITIAL_DELAY_MS, maxDelayMs),
    factor: init.factor ?? DEFAULT_FACTOR,
    maxDelayMs,
    laterDelayMs: init.laterDelayMs ?? Math.min(DEFAULT_LATER_DELAY_MS, maxDelayMs),
    failureThreshold: init.failureThreshold ?? DEFAULT_FAILURE_THRESHOLD,
    coolDownMs: init.coolDownMs ?? Math.min(DEFAULT_COOL_DOWN_MS, maxDelayMs),
    maxHistory: init.maxHistory ?? DEFAULT_MAX_HISTORY,
    maxTries: init.maxTries ?? DEFAULT_MAX_TRIES,
    maxPeers: init.maxPeers ?? DEFAULT_MAX_PEERS,
    maxConcurrent: init.maxConcurrent ?? DEFAULT_MAX_CONCURRENT,
    dialDeadlineMs: init.dialDeadlineMs ?? DEFAULT_DIAL_DEADLINE_MS,
    stableMs: init.stableMs ?? DEFAULT_STABLE_MS,
    maxAddresses: init.maxAddresses ?? DEFAULT_MAX_ADDRESSES,
  }
  check(options)
  return options
}

function check(options: ReconnectionOptions): void {
  // A backoff checks its own.
  void new Backoff(options)
  // A longer cool-down would break the promise that a peer that is back is met within `maxDelayMs`.
  checkTime('coolDownMs', options.coolDownMs, 1, options.maxDelayMs)
  checkTime('dialDeadlineMs', options.dialDeadlineMs, 1, MAX_TIMER_MS)
  checkTime('stableMs', options.stableMs, 0, MAX_TIMER_MS)
  checkCount('maxHistory', options.maxHistory, 0)
  for (const name of ['failureThreshold', 'maxTries', 'maxPeers', 'maxConcurrent', 'maxAddresses'] as const) {
    checkCount(name, options[name], 1)
  }
}
