import {
  DEFAULT_CALCULATE_TIMEOUT_MS,
  DEFAULT_EVENT_LOOP_RESOLUTION_MS,
  DEFAULT_MAX_LABEL_CHARACTERS,
  DEFAULT_MAX_SERIES,
  MAX_TIMER_MS,
} from './constants.ts'
import type { MetricsInit } from './index.ts'

/** What Prometheus takes as the name of a label. */
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** Options with their defaults. */
type MetricsOptions = Required<MetricsInit>

/**
 * Applies the defaults.
 *
 * @throws {RangeError} when a limit is not above 0, a time longer than a timer can be set to, or a label
 * that Prometheus does not take
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
  for (const name of Object.keys(defaultLabels)) {
    // Prometheus refuses all of a scrape for one such name. `le` is what the buckets of histograms are told apart by.
    if (!LABEL_NAME.test(name) || name === 'le') {
      throw new RangeError(
        `defaultLabels ${JSON.stringify(name)} must be letters, digits and _, no digit first, not le`,
      )
    }
  }
  return { ...limits, regions, measureEventLoop, measureProcess, defaultLabels }
}
