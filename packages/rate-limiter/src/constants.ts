export const DEFAULT_MESSAGES_PER_SECOND = 100
export const DEFAULT_BYTES_PER_SECOND = 5 * 1024 * 1024
export const DEFAULT_STREAMS_PER_SECOND = 20
export const DEFAULT_TOTAL_MESSAGES_PER_SECOND = 10_000
/** A burst that is not set is this many seconds of its rate. */
export const DEFAULT_BURST_SECONDS = 2
export const DEFAULT_MAX_KEYS = 65_536
export const DEFAULT_SWEEP_INTERVAL_MS = 10_000
export const DEFAULT_OUTBOUND_BURST_MS = 1_000
export const DEFAULT_MAX_WAITERS_PER_PEER = 1_024
export const DEFAULT_MAX_WAIT_MS = 30_000

/** A full table is searched for idle keys at most this often, or strangers would make us scan it for each message. */
export const ROOM_INTERVAL_MS = 1_000
/** A peer is reported at most once in this time, in ms. */
export const REPORT_INTERVAL_MS = 1_000
/** Longest step forward that a clock is believed, in ms: a wild jump would cost the numbers their precision. */
export const MAX_CLOCK_STEP_MS = 86_400_000
/** Longest delay of a timer, in ms; a longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
