import { LANES } from '@gridmesh/interfaces'
import * as defaults from './constants.ts'
import type { UnicastInit } from './index.ts'

/** The options, with defaults applied. */
export type Limits = Required<UnicastInit>

const HARD_MAX_MESSAGE_BYTES = 100 * 1_024 * 1_024
/** Lanes that share the room of a peer. In each of them an honest one may be in the middle of the largest message. */
const SHARING_LANES = LANES.length - 1

/** Applies the defaults and checks every option. @throws {RangeError} */
export function resolveLimits(init: UnicastInit): Limits {
  const maxMessageBytes = init.maxMessageBytes ?? defaults.DEFAULT_MAX_MESSAGE_BYTES
  const limits: Limits = {
    deadlineMs: init.deadlineMs ?? defaults.DEFAULT_DEADLINE_MS,
    maxDeadlineMs: init.maxDeadlineMs ?? defaults.DEFAULT_MAX_DEADLINE_MS,
    handlerGraceMs: init.handlerGraceMs ?? defaults.DEFAULT_HANDLER_GRACE_MS,
    openTimeoutMs: init.openTimeoutMs ?? defaults.DEFAULT_OPEN_TIMEOUT_MS,
    maxInFlight: init.maxInFlight ?? defaults.DEFAULT_MAX_IN_FLIGHT,
    maxWaiting: init.maxWaiting ?? defaults.DEFAULT_MAX_WAITING,
    retries: init.retries ?? defaults.DEFAULT_RETRIES,
    retryBaseMs: init.retryBaseMs ?? defaults.DEFAULT_RETRY_BASE_MS,
    retryMaxMs: init.retryMaxMs ?? defaults.DEFAULT_RETRY_MAX_MS,
    maxKeys: init.maxKeys ?? defaults.DEFAULT_MAX_KEYS,
    keyTtlMs: init.keyTtlMs ?? defaults.DEFAULT_KEY_TTL_MS,
    maxAnswerBytes: init.maxAnswerBytes ?? defaults.DEFAULT_MAX_ANSWER_BYTES,
    maxHandlersPerPeer: init.maxHandlersPerPeer ?? defaults.DEFAULT_MAX_HANDLERS_PER_PEER,
    maxHandlers: init.maxHandlers ?? defaults.DEFAULT_MAX_HANDLERS,
    maxQueuedPerPeer: init.maxQueuedPerPeer ?? defaults.DEFAULT_MAX_QUEUED_PER_PEER,
    maxQueued: init.maxQueued ?? defaults.DEFAULT_MAX_QUEUED,
    busyRetryAfterMs: init.busyRetryAfterMs ?? defaults.DEFAULT_BUSY_RETRY_AFTER_MS,
    maxMessageBytes,
    maxHeldBytesPerPeer:
      init.maxHeldBytesPerPeer ?? Math.max(defaults.DEFAULT_MAX_HELD_BYTES_PER_PEER, maxMessageBytes),
    maxPartialBytesPerPeer:
      init.maxPartialBytesPerPeer ??
      Math.max(
        defaults.DEFAULT_MAX_PARTIAL_BYTES_PER_PEER,
        SHARING_LANES * (maxMessageBytes + defaults.MAX_HEADER_BYTES),
      ),
    maxHeldBytes: init.maxHeldBytes ?? Math.max(defaults.DEFAULT_MAX_HELD_BYTES, maxMessageBytes),
    maxPartialBytes:
      init.maxPartialBytes ?? Math.max(defaults.DEFAULT_MAX_PARTIAL_BYTES, maxMessageBytes + defaults.MAX_HEADER_BYTES),
    maxAskedBytes: init.maxAskedBytes ?? Math.max(defaults.DEFAULT_MAX_ASKED_BYTES, maxMessageBytes),
    maxUnreadBytes: init.maxUnreadBytes ?? defaults.DEFAULT_MAX_UNREAD_BYTES,
    maxUnreadBytesInAll:
      init.maxUnreadBytesInAll ?? Math.max(defaults.DEFAULT_MAX_UNREAD_BYTES_IN_ALL, 2 * maxMessageBytes),
    streamWindowBytes: init.streamWindowBytes ?? defaults.INITIAL_CREDIT_BYTES,
    streamIdleMs: init.streamIdleMs ?? defaults.DEFAULT_STREAM_IDLE_MS,
  }
  const least: Readonly<Record<string, number>> = {
    handlerGraceMs: 0,
    retries: 0,
    retryBaseMs: 0,
    retryMaxMs: 0,
    maxWaiting: 0,
    maxQueuedPerPeer: 0,
    maxQueued: 0,
    maxAnswerBytes: 0,
    busyRetryAfterMs: 0,
    streamWindowBytes: defaults.INITIAL_CREDIT_BYTES,
    maxHeldBytesPerPeer: maxMessageBytes,
    maxHeldBytes: maxMessageBytes,
    maxAskedBytes: maxMessageBytes,
    maxPartialBytesPerPeer: maxMessageBytes + defaults.MAX_HEADER_BYTES,
    maxPartialBytes: maxMessageBytes + defaults.MAX_HEADER_BYTES,
    maxUnreadBytesInAll: maxMessageBytes + defaults.MAX_HEADER_BYTES,
  }
  const mosts: Readonly<Record<string, number>> = { maxMessageBytes: HARD_MAX_MESSAGE_BYTES }
  for (const [name, value] of Object.entries(limits)) {
    const min = least[name] ?? 1
    const max = mosts[name] ?? (name.endsWith('Ms') ? defaults.MAX_TIMEOUT_MS : Number.MAX_SAFE_INTEGER)
    if (!(value >= min && value <= max)) throw new RangeError(`${name} ${value} is outside ${min} to ${max}`)
  }
  return limits
}
