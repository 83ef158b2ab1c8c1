export const DEFAULT_INITIAL_DELAY_MS = 1_000
export const DEFAULT_FACTOR = 2
export const DEFAULT_MAX_DELAY_MS = 300_000
export const DEFAULT_LATER_DELAY_MS = 30_000
export const DEFAULT_FAILURE_THRESHOLD = 5
export const DEFAULT_COOL_DOWN_MS = 60_000
export const DEFAULT_MAX_HISTORY = 20
export const DEFAULT_MAX_TRIES = 10
export const DEFAULT_MAX_PEERS = 1_000
export const DEFAULT_MAX_CONCURRENT = 4
export const DEFAULT_DIAL_DEADLINE_MS = 10_000
export const DEFAULT_STABLE_MS = 10_000
export const DEFAULT_MAX_ADDRESSES = 16

/** Longest wait for the handshake of a connection that opened by itself; the handshake has a shorter one of its own. */
export const READY_WATCH_MS = 60_000
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
/** Errors, causes and members of aggregates that are looked at: more than libp2p dials addresses of one peer. */
export const MAX_ERRORS_LOOKED_AT = 64
