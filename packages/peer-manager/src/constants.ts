export const DEFAULT_MIN_PEERS = 8
export const DEFAULT_MAX_PEERS = 10_000
export const DEFAULT_MAX_CANDIDATES = 1_000
export const DEFAULT_MAX_ADDRESSES = 16
export const DEFAULT_MAX_ADDRESS_LENGTH = 512
export const DEFAULT_MAX_LEDGER_ENTRIES = 64
export const DEFAULT_MAX_EVIDENCE_LENGTH = 200
export const DEFAULT_HALF_LIFE_MS = 600_000
export const DEFAULT_DISCONNECT_REPUTATION = -20
export const DEFAULT_BAN_REPUTATION = -50
export const DEFAULT_BAN_MS = 24 * 3_600_000
export const DEFAULT_UPKEEP_INTERVAL_MS = 30_000
export const DEFAULT_GOODBYE_TIMEOUT_MS = 1_000
export const DEFAULT_CLOSE_TIMEOUT_MS = 5_000
export const DEFAULT_READY_TIMEOUT_MS = 30_000
export const DEFAULT_STORAGE_TIMEOUT_MS = 10_000

/** The scale of reputation ends here on both sides. */
export const MAX_REPUTATION = 100
/** Points are summed as whole thousandths, since sums of integers do not depend on their order. */
export const POINT_SCALE = 1_000
/** Largest factor that one report may put on the weight of its class. */
export const MAX_REPORT_WEIGHT = 100
/** Everything is stored below this key, one value per peer. */
export const DATASTORE_PREFIX = '/gridmesh/peer-manager'
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
/** The last moment that `Date` can express: the end of a ban for ever. */
export const MAX_TIME_MS = 8_640_000_000_000_000
/** No clock that is set tells an earlier time, in ms since the epoch: one that does has no battery and no NTP yet. */
export const EARLIEST_TIME_MS = Date.UTC(2026, 0, 1)
/** A stored time may be this far ahead of a clock that is set, in ms: clocks are set a little late, or wrong. */
export const MAX_AHEAD_MS = 24 * 3_600_000
