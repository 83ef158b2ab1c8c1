export const DEFAULT_MIN_PEERS = 8
export const DEFAULT_MAX_PEERS = 10_000
export const DEFAULT_MAX_STORED_PEERS = 2_000
export const DEFAULT_MAX_CANDIDATES = 1_000
export const DEFAULT_MAX_ADDRESSES = 8
export const DEFAULT_MAX_ADDRESS_LENGTH = 256
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
/** Reports kept of a peer that is gone, and stored of any: the book is long, and fills a heap and a disk otherwise. */
export const MAX_RESTING_ENTRIES = 8
/** Everything is stored below this key, one value per peer. */
export const DATASTORE_PREFIX = '/gridmesh/peer-manager'
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
/** The last moment that `Date` can express: the end of a ban for ever. */
export const MAX_TIME_MS = 8_640_000_000_000_000
/** Clocks that differ by no more count as one, in ms: reading two of them takes time, and NTP moves them little by little. */
export const CLOCK_TOLERANCE_MS = 1_000
/** A node that seems to have been away for longer, in ms, was not: its clock is wrong, or was. */
export const MAX_AWAY_MS = 365 * 24 * 3_600_000
