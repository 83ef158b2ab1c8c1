/** The protocol id. Its major changes with the messages. */
export const PEER_EXCHANGE_PROTOCOL = '/gridmesh/peer-exchange/1'

export const DEFAULT_MIN_PEERS = 8
export const DEFAULT_TARGET_PEERS = 30
export const DEFAULT_MIN_OUTBOUND = 8
export const DEFAULT_INTERVAL_MS = 1_000
export const DEFAULT_MAX_INTERVAL_MS = 30_000
export const DEFAULT_STRATEGY_DEADLINE_MS = 10_000
export const DEFAULT_MAX_CANDIDATES_PER_RUN = 1_000
export const DEFAULT_BREAKER_FAILURES = 3
export const DEFAULT_BREAKER_COOL_DOWN_MS = 5_000
export const DEFAULT_MAX_CANDIDATES = 1_000
export const DEFAULT_MAX_ADDRESSES = 8
export const DEFAULT_DIAL_CONCURRENCY = 8
export const DEFAULT_DIAL_DEADLINE_MS = 10_000
export const DEFAULT_MAX_DIALS_PER_ROUND = 32
export const DEFAULT_MAX_OVERSHOOT = 4
export const DEFAULT_BACKOFF_BASE_MS = 1_000
export const DEFAULT_BACKOFF_MAX_MS = 300_000
export const DEFAULT_MAX_BACKOFFS = 4_096
export const DEFAULT_STABLE_MS = 60_000
export const DEFAULT_FEELER_INTERVAL_MS = 120_000

export const DEFAULT_NEW_BUCKETS = 256
export const DEFAULT_TRIED_BUCKETS = 64
export const DEFAULT_SLOTS_PER_BUCKET = 16
export const DEFAULT_STORED_PER_RUN = 32
export const DEFAULT_SAVE_INTERVAL_MS = 60_000
export const DEFAULT_STORAGE_TIMEOUT_MS = 10_000

export const DEFAULT_WALK_PEERS = 64
export const DEFAULT_FEED_PEERS = 256

export const DEFAULT_MAX_RECORDS = 250
export const DEFAULT_MAX_REPLY_BYTES = 262_144
export const DEFAULT_MAX_RECORD_BYTES = 2_048
export const DEFAULT_REQUEST_GAP_MS = 10_000
export const DEFAULT_ASKED_PER_RUN = 3
export const DEFAULT_EXCHANGE_TIMEOUT_MS = 5_000
export const DEFAULT_MAX_TRACKED_PEERS = 1_024
export const DEFAULT_MAX_SHARED_RECORDS = 1_000

/** Share of dials to strangers that succeed, as measured in large networks: where learning begins. */
export const INITIAL_SUCCESS_RATIO = 1 / 3
/** Weight of the newest dial in the learnt ratio. */
export const SUCCESS_RATIO_WEIGHT = 0.1
/** A candidate that nobody named in the configuration is let go after this many failed dials in a row. */
export const MAX_CANDIDATE_FAILURES = 5
/** Tellers remembered of a candidate; beyond them those who told of it longest ago are forgotten. */
export const MAX_TELLERS = 8
/** Longest address that is kept, in bytes. */
export const MAX_ADDRESS_BYTES = 256
/** Longest role and region that is kept of a candidate, in characters. */
export const MAX_NAME_LENGTH = 64

/** Everything is stored below this key. */
export const DATASTORE_PREFIX = '/gridmesh/discovery'
/** Length of the secret that places peers in buckets, in bytes. */
export const SECRET_BYTES = 32
/** One source, or one network group, reaches this share of the buckets of a table. */
export const SHARE_OF_BUCKETS = 1 / 16
/** Places in the tried table that are argued about at once. */
export const MAX_CONTESTS = 16
/** Whoever was reached this recently keeps its place without a test, in ms. */
export const RECENT_SUCCESS_MS = 4 * 3_600_000
/** An untested peer makes room for another after this many failed dials, or this time, in ms. */
export const STALE_FAILURES = 3
export const STALE_AGE_MS = 30 * 24 * 3_600_000
/** A peer is forgotten, or a tried one untried again, after this many failed dials in a row. */
export const GIVE_UP_FAILURES = 10

/** Records, and bytes of them, that a peer which is turned away is told. */
export const MAX_REFERRALS = 8
export const MAX_REFERRAL_BYTES = 4_096
/** Refusals whose records are kept until the next round; beyond it the oldest are dropped. */
export const MAX_REFUSALS = 32
/** Largest request on the wire, in bytes. */
export const MAX_REQUEST_BYTES = 64
/** Bytes of the longest length prefix: enough for 256 MiB. */
export const MAX_PREFIX_BYTES = 4
/**
 * Records that can be shared are kept at hand this long for each of them, in ms, within these bounds: to read thousands
 * for each request is dear, while a young network has few and wants them to be told at once.
 */
export const SHARED_MS_PER_RECORD = 30
export const MIN_SHARED_MS = 1_000
export const MAX_SHARED_MS = 30_000
/** We wait this much longer than a peer asks for, since the time in between differs at both ends. */
export const REQUEST_GAP_MARGIN = 1.2
/** One request runs at a time; room for a second lets us see, and report, the peer that opens it. */
export const MAX_INBOUND_STREAMS = 2
export const MAX_OUTBOUND_STREAMS = 2

/** Time that a strategy may take to stop, in ms. */
export const STRATEGY_STOP_MS = 15_000
/** Code of the reason for which a full connection pool parts from an idle peer. */
export const IDLE_CODE = 'idle'
/** A connection that is not ready after this time is no longer expected to be, in ms. */
export const PENDING_MS = 15_000
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
/** The last moment that `Date` can express. */
export const MAX_TIME_MS = 8_640_000_000_000_000
/** No clock that is set tells an earlier time, in ms since the epoch: one that does has no battery and no NTP yet. */
export const EARLIEST_TIME_MS = Date.UTC(2026, 0, 1)
/** A stored time may be this far ahead of a clock that is set, in ms: clocks are set a little late, or wrong. */
export const MAX_AHEAD_MS = 24 * 3_600_000
