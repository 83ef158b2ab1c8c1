/** Port at which every simulated node listens. */
export const SIM_PORT = 4_001
/** Actor of the scenario. */
export const SCENARIO = -1

export const DEFAULT_LATENCY_MS = 20
export const DEFAULT_MIN_RETRANSMIT_MS = 200
export const DEFAULT_WINDOW_BYTES = 4_194_304
export const DEFAULT_DEAD_AFTER_MS = 30_000
export const DEFAULT_HANDSHAKE_ROUND_TRIPS = 3
export const DEFAULT_MAX_CONNECTIONS = 300
export const DEFAULT_EPOCH_MS = Date.UTC(2026, 0, 1)
export const DEFAULT_MAX_VIRTUAL_MS = 86_400_000
export const DEFAULT_MAX_WALL_MS = 3_600_000
export const DEFAULT_MAX_EVENTS_PER_INSTANT = 10_000_000
export const DEFAULT_LAST_EVENTS = 50
export const DEFAULT_INVARIANT_INTERVAL_MS = 1_000
export const DEFAULT_DEGREE = 6
export const MAX_VIOLATIONS = 100
/** Streams of a ping service that several services share. */
export const PING_STREAMS = 8
