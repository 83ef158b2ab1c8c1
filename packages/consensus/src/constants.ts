export const DEFAULT_MIN_INTERVAL_MS = 300
export const DEFAULT_MAX_INTERVAL_MS = 10_000
export const DEFAULT_FALLBACK_MS = 1_000
export const DEFAULT_MAX_CLOCK_AHEAD_MS = 500
export const DEFAULT_BUILD_DEADLINE_MS = 5_000
export const DEFAULT_MAX_BLOCK_BYTES = 1_000_000
export const DEFAULT_MAX_HEADERS_PER_AUTHORITY = 64

/** Authorities at once. What is kept with a block, and for evidence, grows with them. */
export const MAX_AUTHORITIES = 1_024
/** Most headers of one authority that are kept for evidence. */
export const MAX_HEADERS_PER_AUTHORITY = 10_000
/** Longest header that is looked at for evidence, in bytes. */
export const MAX_HEADER_BYTES = 4_096
/** Longest interval or fallback, in ms: a day. */
export const MAX_INTERVAL_MS = 86_400_000
/** What a block in turn adds to the weight of its branch: `DIFF_INTURN` of EIP-225. */
export const IN_TURN_WEIGHT = 2
/** What any other block adds: `DIFF_NOTURN` of EIP-225. */
export const OUT_OF_TURN_WEIGHT = 1
