import {
  DEFAULT_CALCULATE_TIMEOUT_MS,
  DEFAULT_EVENT_LOOP_RESOLUTION_MS,
  DEFAULT_MAX_LABEL_CHARACTERS,
  DEFAULT_MAX_SERIES,
} from './constants.ts'
import type { MetricsInit } from './index.ts'

/** Options with their defaults. */
type MetricsOptions = Required<MetricsInit>

/**
 * Applies the defaults.
 *
 * @throws {RangeError} when a limit is not above 0
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
  return { ...limits, regions, measureEventLoop, measureProcess, defaultLabels }
}
