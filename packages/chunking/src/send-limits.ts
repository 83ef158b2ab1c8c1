import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_MAX_MESSAGE_BYTES,
  DEFAULT_MAX_PARTIAL_MESSAGES,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_STARTED_BYTES,
  HARD_MAX_MESSAGE_BYTES,
  MIN_MAX_FRAME_BYTES,
} from './constants.ts'
import type { FrameChannelInit } from './index.ts'

/** Limits of what is sent. */
export type SendQueueInit = Pick<
  FrameChannelInit,
  'maxFrameBytes' | 'maxMessageBytes' | 'maxPartialMessages' | 'maxStartedBytes' | 'maxQueuedBytes' | 'laneWeights'
>

/** The limits of a send queue, with defaults applied. @throws {RangeError} */
export function sendLimits(init: SendQueueInit): Required<Omit<SendQueueInit, 'laneWeights'>> {
  const limits = {
    maxFrameBytes: init.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
    maxMessageBytes: init.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    maxPartialMessages: init.maxPartialMessages ?? DEFAULT_MAX_PARTIAL_MESSAGES,
    maxStartedBytes: init.maxStartedBytes ?? DEFAULT_MAX_STARTED_BYTES,
    maxQueuedBytes: init.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
  }
  checkRange('maxFrameBytes', limits.maxFrameBytes, MIN_MAX_FRAME_BYTES, DEFAULT_MAX_FRAME_BYTES)
  checkRange('maxMessageBytes', limits.maxMessageBytes, 1, HARD_MAX_MESSAGE_BYTES)
  checkRange('maxPartialMessages', limits.maxPartialMessages, 1, Number.MAX_SAFE_INTEGER)
  checkRange('maxStartedBytes', limits.maxStartedBytes, 1, Number.MAX_SAFE_INTEGER)
  checkRange('maxQueuedBytes', limits.maxQueuedBytes, 1, Number.MAX_SAFE_INTEGER)
  return limits
}

/** @throws {RangeError} when `value` is not a number from `min` to `max` */
export function checkRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name} ${value} is outside ${min} to ${max}`)
}
