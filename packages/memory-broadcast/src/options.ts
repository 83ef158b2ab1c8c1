import {
  DEFAULT_DELIVERY_LIFETIME_MS,
  DEFAULT_HANDLER_DEADLINE_MS,
  DEFAULT_MAX_IDS,
  DEFAULT_MAX_MESSAGE_BYTES,
  DEFAULT_MAX_QUEUED,
  MAX_TIMEOUT_MS,
} from './constants.ts'
import type { MemoryHubInit } from './index.ts'

/** The options with every default applied. */
export type HubOptions = Readonly<Required<MemoryHubInit>>

/** @throws {RangeError} when an option makes no sense */
export function resolveOptions(init: MemoryHubInit): HubOptions {
  const options = {
    maxMessageBytes: init.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    maxQueued: init.maxQueued ?? DEFAULT_MAX_QUEUED,
    maxIds: init.maxIds ?? DEFAULT_MAX_IDS,
    deliveryLifetimeMs: init.deliveryLifetimeMs ?? DEFAULT_DELIVERY_LIFETIME_MS,
    handlerDeadlineMs: init.handlerDeadlineMs ?? DEFAULT_HANDLER_DEADLINE_MS,
  }
  const { deliveryLifetimeMs, handlerDeadlineMs, ...counts } = options
  for (const [name, value] of Object.entries(counts)) {
    if (!(Number.isInteger(value) && value > 0)) throw new RangeError(`${name} ${value} must be a whole number above 0`)
  }
  for (const [name, value] of Object.entries({ deliveryLifetimeMs, handlerDeadlineMs })) {
    if (!(value > 0 && value <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`${name} ${value} must be above 0, and at most ${MAX_TIMEOUT_MS}`)
    }
  }
  return options
}
