export const DEFAULT_MAX_SERIES = 1_000
export const DEFAULT_MAX_LABEL_CHARACTERS = 128
export const DEFAULT_CALCULATE_TIMEOUT_MS = 1_000
/** Each sample wakes the process: at 10 ms they cost an idle one 4.7 ms of processor a second, at 100 ms 0.55. */
export const DEFAULT_EVENT_LOOP_RESOLUTION_MS = 100
/** The start of the process is told anew where it seems to differ by more, in seconds: NTP sets a clock by less, once it was set. */
export const START_TOLERANCE_SECONDS = 60
/** Label of everything that is over `maxSeries`. */
export const OTHER = 'other'
/**
 * Calculations kept for one metric. libp2p's listeners register a new one at each start and never take it back, so
 * the oldest goes when there is one more.
 */
export const MAX_CALCULATIONS = 16
/** Latencies from a loopback answer to a lost peer, in seconds. */
export const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const
/** Sizes from an acknowledgement to a large block, in bytes. */
export const BYTES_BUCKETS = [
  64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
] as const
/** The longest time a timer can be set to, in ms, about 25 days: beyond it, it fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
