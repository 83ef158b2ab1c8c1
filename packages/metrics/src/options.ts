import {
  DEFAULT_CALCULATE_TIMEOUT_MS,
  DEFAULT_EVENT_LOOP_RESOLUTION_MS,
  DEFAULT_MAX_LABEL_CHARACTERS,
  DEFAULT_MAX_SERIES,
  MAX_TIMER_MS,
} from './constants.ts'
import type { MetricsInit } from './index.ts'

/** Options with their defaults. */
type MetricsOptions = Required<MetricsInit>

/**
 * Applies the defaults.
 *
 * @throws {RangeError} when a limit is not above 0, or a time longer than a timer can be set to
 */
export function optionsOf(init: MetricsInit): MetricsOptions {
  const {
    maxSeries = DEFAULT_MAX_SERIES,
    regions = [],
    maxLabelCharacters = DEFAULT_MAX_LABEL_CHARACTERS,
    calculateTimeoutMs = DEFAULT_CALCULATE_TIMEOUT_MS,
    measureEventLoop = true,
    eventLoopResolutionMs = DEFAULT_EVENT_LOOP_RESOLUTION_MS,
    measureProcess = true,
    defaultLabels = {},
  } = init
  const limits = { maxSeries, maxLabelCharacters, calculateTimeoutMs, eventLoopResolutionMs }
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) throw new RangeError(`${name} ${value} must be above 0`)
  }
  if (calculateTimeoutMs > MAX_TIMER_MS) {
    throw new RangeError(`calculateTimeoutMs ${calculateTimeoutMs} must be at most ${MAX_TIMER_MS}`)
  }
  // Node.js says so itself at the start of the node, and names an option that nobody here has set.
  if (!(Number.isInteger(eventLoopResolutionMs) && eventLoopResolutionMs <= MAX_TIMER_MS)) {
    throw new RangeError(`eventLoopResolutionMs ${eventLoopResolutionMs} must be a whole number up to ${MAX_TIMER_MS}`)
  }
  return { ...limits, regions, measureEventLoop, measureProcess, defaultLabels }
}
