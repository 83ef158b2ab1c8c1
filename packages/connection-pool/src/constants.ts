export const DEFAULT_MAX_INBOUND = 50
export const DEFAULT_MAX_OUTBOUND = 50
export const DEFAULT_MAX_PROBES = 1
export const DEFAULT_MAX_TURN_AWAYS = 8
export const DEFAULT_MAX_PENDING = 64
export const DEFAULT_MAX_PER_IP = 3
export const DEFAULT_MAX_PER_NETWORK = 10
export const DEFAULT_MAX_CONNECTIONS_PER_PEER = 2
export const DEFAULT_ATTEMPTS_PER_IP_PER_SECOND = 5
export const DEFAULT_MAX_TRACKED_IPS = 4_096
export const DEFAULT_MAX_DIALS = 16
export const DEFAULT_MAX_QUEUED_DIALS = 500
export const DEFAULT_MAX_ADDRESSES_PER_DIAL = 25
export const DEFAULT_DIAL_TIMEOUT_MS = 10_000
export const DEFAULT_QUEUE_TIMEOUT_MS = 60_000
export const DEFAULT_PROTECTED_BY_LATENCY = 4
export const DEFAULT_PROTECTED_BY_USE = 4
export const DEFAULT_PROTECTED_REGIONS = 8
export const DEFAULT_PROTECTED_ROLES = 8
export const DEFAULT_MIN_PEERS = 8
export const DEFAULT_IDLE_TIMEOUT_MS = 300_000
export const DEFAULT_RECONCILE_INTERVAL_MS = 30_000
export const DEFAULT_ROLE_TIMEOUT_MS = 15_000
export const DEFAULT_GOODBYE_TIMEOUT_MS = 1_000
export const DEFAULT_CLOSE_TIMEOUT_MS = 2_000

/** The window in which attempts are counted, in ms. */
export const ATTEMPT_WINDOW_MS = 1_000
/** Dials from both sides that are through within this time may have crossed, in ms: longer than they differ in what they see. */
export const CROSSING_MS = 5_000
/** Time after which the second of two connections that crossed is closed, whatever still goes over it, in ms. */
export const CROSSED_MAX_MS = 60_000
/** The stream that the handshake keeps on each connection. */
export const HANDSHAKE_PROTOCOL = '/gridmesh/handshake/1'
/** The rest of a peer after its second dial in a row that nothing came of, in ms; doubled for each further one. */
export const REST_BASE_MS = 1_000
/** The longest rest of a peer, in ms: with longer ones, who knows only full peers, and is referred to nobody, would wait for minutes. */
export const REST_MAX_MS = 8_000
/** Peers whose dials are remembered; beyond it those dialled longest ago are forgotten. */
export const MAX_RESTS = 4_096
/** Time in which the same refusal of the same peer is logged once, in ms. */
export const REPEAT_MS = 60_000
/** Peers and addresses of which that is remembered; beyond it those logged longest ago are forgotten. */
export const MAX_REPEATS = 1_024
/** libp2p's own number of parallel dials; dials that do not go through the pool use it too. */
export const LIBP2P_PARALLEL_DIALS = 100
/** Addresses of a peer that are tried in the time of one dial, though nothing comes back from those before the last. */
export const ADDRESSES_IN_TIME = 3
/** Addresses taken of one name. */
export const MAX_ADDRESSES_PER_NAME = 4
/** Time that the lookup of a name may take before it is dialled as it is, in ms: other addresses are waiting for it. */
export const LOOKUP_TIMEOUT_MS = 3_000
/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
