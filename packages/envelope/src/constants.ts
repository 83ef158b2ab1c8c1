/** Version of the wire format. */
export const ENVELOPE_VERSION = 1
/** Starts the signed bytes, so that no signature made for anything else verifies as an envelope. */
export const SIGNING_DOMAIN = `gridmesh/envelope/${ENVELOPE_VERSION}`

/** Where the records that outlive a restart are kept in the datastore. */
export const STATE_KEY = '/gridmesh/envelope/state'
/** Version of those records. */
export const STATE_VERSION = 2

export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
/** Longest kind or chain id, in characters. */
export const MAX_NAME_LENGTH = 128

/** All of a protobuf envelope but its payload: two names, key, signature, numbers, framing. */
export const PROTOBUF_OVERHEAD_BYTES = 512
/** All of a JSON envelope but its payload; names may double when quotes in them are escaped. */
export const JSON_OVERHEAD_BYTES = 2_048

export const DEFAULT_MAX_BYTES = 10 * 1_024 * 1_024
/** Keeps every length in the wire format within 32 bits. */
export const MAX_MAX_BYTES = 1_024 * 1_024 * 1_024
export const DEFAULT_CLOCK_SKEW_MS = 30_000
export const DEFAULT_COMPRESS_ABOVE_BYTES = 2_048
export const DEFAULT_MAX_RATIO = 100
export const DEFAULT_REPLAY_WINDOW_BITS = 1_024
export const MAX_REPLAY_WINDOW_BITS = 65_536
export const DEFAULT_MAX_SENDERS = 10_000
export const DEFAULT_MAX_VERIFY_KEYS = 10_000
export const DEFAULT_FLUSH_INTERVAL_MS = 5_000
export const DEFAULT_STORE_TIMEOUT_MS = 5_000
export const DEFAULT_MAX_PENDING_BYTES = 64 * 1_024 * 1_024

/** What an envelope that waits costs beside its bytes, counted against `maxPendingBytes`. */
export const PENDING_OVERHEAD_BYTES = 1_024
/** How much longer than one flush interval a lease lasts, in ms, so that a flush on time always finds it running. */
export const LEASE_SLACK_MS = 1_000
/** Leases renewed between two flushes at most; an envelope that needs one more is refused. */
export const MAX_EARLY_RENEWALS = 16
/** Sequence numbers reserved with each flush: 200,000 a second at the default interval. */
export const SEQUENCE_RESERVE = 1_000_000n
/** A start's first sequence number is its time in ms times this. */
export const SEQUENCE_PER_MS = 1_000n

/** zstd level: 5:1 on JSON of 10 KiB, and higher ones cost more time than the bytes are worth. */
export const ZSTD_LEVEL = 1
/** What a payload may be compressed to at most: where less is saved, all who open it would work for next to nothing. */
export const MAX_PACKED_SHARE = 7 / 8
/** Largest zstd window accepted, as a power of two: the 8 MiB that RFC 8878 asks every decoder to support. */
export const ZSTD_MAX_WINDOW_LOG = 23
