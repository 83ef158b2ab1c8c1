import * as defaults from './constants.ts'
import type { MessageRouterInit } from './index.ts'
import { mergePolicies } from './policies.ts'
import type { Policies } from './policies.ts'
import type { Lane } from '@gridmesh/interfaces'

/** The options with every default applied. */
export interface RouterOptions extends Required<Omit<MessageRouterInit, 'maxQueued' | 'maxRunning' | 'policies'>> {
  maxQueued: Readonly<Record<Lane, number>>
  maxRunning: Readonly<Record<Lane, number>>
  policies: Policies
}

/** Options that a timer is set to. */
const TIMERS = ['batchDelayMs', 'maxBatchHoldMs', 'handlerTimeoutMs', 'stopTimeoutMs'] as const

/** Applies the defaults. @throws {RangeError} when an option is out of range, with the value received */
export function routerOptions(init: MessageRouterInit): RouterOptions {
  const options: RouterOptions = {
    batchDelayMs: init.batchDelayMs ?? defaults.DEFAULT_BATCH_DELAY_MS,
    maxBatchHoldMs: init.maxBatchHoldMs ?? defaults.DEFAULT_MAX_BATCH_HOLD_MS,
    maxBatchBytes: init.maxBatchBytes ?? defaults.DEFAULT_MAX_BATCH_BYTES,
    maxBatchMessages: init.maxBatchMessages ?? defaults.DEFAULT_MAX_BATCH_MESSAGES,
    maxPendingBatches: init.maxPendingBatches ?? defaults.DEFAULT_MAX_PENDING_BATCHES,
    maxQueued: { ...defaults.DEFAULT_MAX_QUEUED, ...init.maxQueued },
    maxQueuedBytes: init.maxQueuedBytes ?? defaults.DEFAULT_MAX_QUEUED_BYTES,
    maxRunning: { ...defaults.DEFAULT_MAX_RUNNING, ...init.maxRunning },
    sliceMs: init.sliceMs ?? defaults.DEFAULT_SLICE_MS,
    handlerTimeoutMs: init.handlerTimeoutMs ?? defaults.DEFAULT_HANDLER_TIMEOUT_MS,
    maxOpening: init.maxOpening ?? defaults.DEFAULT_MAX_OPENING,
    maxReplyBytes: init.maxReplyBytes ?? defaults.DEFAULT_MAX_REPLY_BYTES,
    busyRetryAfterMs: init.busyRetryAfterMs ?? defaults.DEFAULT_BUSY_RETRY_AFTER_MS,
    stopTimeoutMs: init.stopTimeoutMs ?? defaults.DEFAULT_STOP_TIMEOUT_MS,
    maxTrackedPeers: init.maxTrackedPeers ?? defaults.DEFAULT_MAX_TRACKED_PEERS,
    policies: mergePolicies(init.policies),
  }
  check(options)
  return options
}

function check(options: RouterOptions): void {
  const { batchDelayMs, maxBatchHoldMs, maxQueued, maxRunning, policies: _, ...positive } = options
  if (!(batchDelayMs >= 0)) throw new RangeError(`batchDelayMs ${batchDelayMs} must not be below 0`)
  if (!(maxBatchHoldMs >= 0)) throw new RangeError(`maxBatchHoldMs ${maxBatchHoldMs} must not be below 0`)
  for (const name of TIMERS) {
    const value = options[name]
    if (value > defaults.MAX_TIMEOUT_MS) {
      throw new RangeError(`${name} ${value} must be at most ${defaults.MAX_TIMEOUT_MS}`)
    }
  }
  checkPositive(positive)
  checkPositive(maxQueued, 'maxQueued.')
  checkPositive(maxRunning, 'maxRunning.')
}

function checkPositive(values: object, prefix = ''): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(typeof value === 'number' && value > 0)) throw new RangeError(`${prefix}${name} ${value} must be above 0`)
  }
}
