import type { Quota } from '@gridmesh/interfaces'
import {
  DEFAULT_BURST_SECONDS,
  DEFAULT_BYTES_PER_SECOND,
  DEFAULT_MESSAGES_PER_SECOND,
  DEFAULT_STREAMS_PER_SECOND,
} from './constants.ts'
import type { TrafficLimitsInit } from './index.ts'

/** One limit: what is regained each second, and how much may be owed at once. */
export interface Limit {
  readonly perSecond: number
  readonly burst: number
}

/** The limits on one key. */
export interface TrafficLimits {
  readonly messages: Limit
  readonly bytes: Limit
  readonly streams: Limit
}

const DEFAULT_LIMITS: TrafficLimits = {
  messages: limitOf(DEFAULT_MESSAGES_PER_SECOND),
  bytes: limitOf(DEFAULT_BYTES_PER_SECOND),
  streams: limitOf(DEFAULT_STREAMS_PER_SECOND),
}

/** Returns `value`, which the option `name` was given. @throws {RangeError} unless it is finite and above 0 */
export function positive(name: string, value: number): number {
  if (value > 0 && value < Infinity) return value
  throw new RangeError(`${name} is ${value}, and must be a finite number above 0`)
}

/** Returns `value`, which the option `name` was given. @throws {RangeError} unless it is whole and above 0 */
export function positiveInteger(name: string, value: number): number {
  if (value > 0 && Number.isSafeInteger(value)) return value
  throw new RangeError(`${name} is ${value}, and must be a whole number above 0`)
}

/** Fills what `init` leaves out from `base`. A new rate without a burst brings its own burst. */
export function resolveLimits(init: TrafficLimitsInit, base: TrafficLimits = DEFAULT_LIMITS): TrafficLimits {
  return {
    messages: resolveLimit('messages', init.messagesPerSecond, init.messagesBurst, base.messages),
    bytes: resolveLimit('bytes', init.bytesPerSecond, init.bytesBurst, base.bytes),
    streams: resolveLimit('streams', init.streamsPerSecond, init.streamsBurst, base.streams),
  }
}

/** Resolves one limit, the options of which are `<name>PerSecond` and `<name>Burst`. */
export function resolveLimit(
  name: string,
  perSecond: number | undefined,
  burst: number | undefined,
  base: Limit,
): Limit {
  const inherited = perSecond === undefined ? base : limitOf(positive(`${name}PerSecond`, perSecond))
  return burst === undefined ? inherited : { ...inherited, burst: positive(`${name}Burst`, burst) }
}

/** A limit with the burst that belongs to its rate. */
export function limitOf(perSecond: number): Limit {
  return { perSecond, burst: Math.min(perSecond * DEFAULT_BURST_SECONDS, Number.MAX_VALUE) }
}

/**
 * Tells what to announce in the handshake: a peer that keeps to it on all protocols together stays within the messages
 * and bytes that `init` allows it on each, but for what the network bunches up. A burst below its rate is what counts,
 * since a sender may send a second's worth at once. Stricter limits of single protocols are not announced.
 *
 * @throws {RangeError} when a limit is not a finite number above 0
 */
export function announcedQuota(init: TrafficLimitsInit = {}): Quota {
  const { messages, bytes } = resolveLimits(init)
  return {
    messagesPerSecond: Math.min(messages.perSecond, messages.burst),
    bytesPerSecond: Math.min(bytes.perSecond, bytes.burst),
  }
}
