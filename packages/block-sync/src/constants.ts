export const DEFAULT_BEHIND = 10
export const DEFAULT_RANGE_BLOCKS = 100
export const DEFAULT_HEADERS_PER_REQUEST = 500
export const DEFAULT_MAX_HEADERS_AHEAD = 10_000
export const DEFAULT_MAX_BUFFERED_BYTES = 67_108_864
export const DEFAULT_MAX_ANSWER_BYTES = 4_194_304
export const DEFAULT_MAX_BLOCK_BYTES = 1_048_576
export const DEFAULT_MAX_REQUESTS = 16
export const DEFAULT_MAX_REQUESTS_PER_PEER = 2
export const DEFAULT_MAX_FAILURES = 3
export const DEFAULT_SLOW_FACTOR = 4
export const DEFAULT_CONFIRMATIONS = 3
export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000
export const DEFAULT_REASSIGN_MS = 3_000
export const DEFAULT_STALL_MS = 30_000
export const DEFAULT_IMPORT_TIMEOUT_MS = 60_000
export const DEFAULT_RETRY_MS = 10_000
export const DEFAULT_MAX_RETRY_MS = 300_000
export const DEFAULT_PROGRESS_MS = 1_000
export const DEFAULT_MAX_PEERS = 256

/** Longest delay of a timer, in ms; a longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
/** Bytes of blocks that a peer is asked for at once at first, and at least. */
export const FIRST_ANSWER_BYTES = 131_072
export const LEAST_ANSWER_BYTES = 32_768
/** How often a run looks at what takes too long, in ms. */
export const TICK_MS = 500

/** Version of all messages: their first byte. */
export const WIRE_VERSION = 1
export const MAX_HASH_BYTES = 64
/** Six bytes: a block each ms for 8,900 years. So no chain has to hold more. */
export const MAX_HEIGHT = 2 ** 48 - 1
/** Places of a locator: more than a chain of 2^32 blocks needs. */
export const MAX_LOCATOR = 64
export const MAX_HEADERS = 2_000
export const MAX_HEADER_BYTES = 4_096
export const MAX_HEADERS_ANSWER_BYTES = 2_097_152
export const MAX_HASHES = 1_000
export const MAX_REQUEST_BYTES = 65_536 + 64
export const MAX_BLOCKS_ANSWER_BYTES = 16_777_216
export const MAX_PIECE_BYTES = 16_777_216
export const MAX_PIECES = 65_536
/** Blocks that are looked at before their turn: one of any size, and more as long as they are small. */
export const PREPARED = { most: 8, maxBytes: 1_000_000 } as const
