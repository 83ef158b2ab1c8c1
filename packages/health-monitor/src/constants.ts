export const DEFAULT_PING_INTERVAL_MS = 30_000
export const DEFAULT_PING_DEADLINE_MS = 10_000
export const DEFAULT_MAX_PARALLEL_PINGS = 16
export const DEFAULT_MAX_UNSEEN_MS = 300_000
export const DEFAULT_CLOSE_TIMEOUT_MS = 5_000
// In the middle: a stranger ranks below peers that have proved themselves, and three unanswered pings make it unhealthy.
export const DEFAULT_INITIAL_SCORE = 50
export const DEFAULT_SUCCESS_POINTS = 5
export const DEFAULT_FAILURE_POINTS = 10
export const DEFAULT_UNHEALTHY_BELOW = 30
export const DEFAULT_HEALTHY_FROM = 50
export const DEFAULT_LATENCY_WINDOW = 128
export const DEFAULT_HISTORY_SIZE = 64
export const DEFAULT_AVAILABILITY_WINDOW_MS = 3_600_000
export const DEFAULT_CHURN_WINDOW_MS = 300_000
export const DEFAULT_SUCCESS_WINDOW_MS = 300_000
export const DEFAULT_LOST_PEER_MS = 3_600_000
export const DEFAULT_MAX_PEERS = 10_000
export const DEFAULT_MAX_REGIONS = 64
export const DEFAULT_AUTHORITY_ROLES: readonly string[] = ['authority']
export const DEFAULT_SAMPLE_INTERVAL_MS = 1_000
/** Each timer wakes the process: at 10 ms they cost an idle one 4.7 ms of processor a second, at 100 ms 0.55. */
export const DEFAULT_LOOP_RESOLUTION_MS = 100
/** Delay of timers that is as long as the shortest waits that peers are judged by, in ms. */
export const LAG_UNIT_MS = 20
export const DEFAULT_BUSY_DELAY_MS = 20
export const DEFAULT_OVERLOADED_DELAY_MS = 100
export const DEFAULT_BUSY_QUEUE_DEPTH = 1_024
export const DEFAULT_OVERLOADED_QUEUE_DEPTH = 8_192
export const DEFAULT_CALM_SHARE = 0.5
export const DEFAULT_HOLD_SAMPLES = 3

/** The scale of health ends here. */
export const MAX_SCORE = 100
/** Share of the ping interval by which a ping may come early, so that peers do not fall into step. */
export const PING_JITTER = 0.1
/** Parts of a window of time; the oldest part is dropped as a whole. */
export const WINDOW_BUCKETS = 60
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
/** Streams of libp2p's ping that have to be allowed per connection: ours, and the one of its connection monitor. */
export const MIN_PING_STREAMS = 2
