/** The protocol id. Its major changes with the frames; the versions inside Hello change with their meaning. */
export const HANDSHAKE_PROTOCOL = '/gridmesh/handshake/1'

export const DEFAULT_PROTOCOL_RANGE = { min: 1, max: 1 }
export const DEFAULT_USER_AGENT = 'gridmesh'
export const DEFAULT_MAX_CLOCK_SKEW_MS = 30_000
export const DEFAULT_DEADLINE_MS = 10_000
export const DEFAULT_STATUS_INTERVAL_MS = 60_000
export const DEFAULT_UNKNOWN_PEERS = 'disconnect'
export const DEFAULT_MAX_HANDSHAKES = 64
export const DEFAULT_MAX_CONNECTIONS_PER_PEER = 4
export const DEFAULT_MAX_STATUS_PER_SECOND = 10
export const DEFAULT_MAX_FRAME_BYTES = 16_384
export const DEFAULT_MAX_CAPABILITIES = 64
export const DEFAULT_MAX_LISTEN_ADDRESSES = 32

/** Longest chain id, hash and user agent, in bytes of UTF-8, as all lengths here. */
export const MAX_TEXT_BYTES = 128
/** Longest role, region, capability, reason code and name of a limit. */
export const MAX_NAME_BYTES = 64
/** Longest multiaddr. */
export const MAX_ADDRESS_BYTES = 256
/** Longest message of a reason. */
export const MAX_MESSAGE_BYTES = 512
/** Largest credentials; with every list full as well, a Hello still fits one frame. */
export const MAX_CREDENTIALS_BYTES = 2_048
/** Most records in a referral; of a longer one the rest is left out. */
export const MAX_REFERRALS = 8
/** Bytes of all records in a referral. */
export const MAX_REFERRAL_BYTES = 4_096
/** Bytes of the longest length prefix: enough for 256 MiB, and so for any `maxFrameBytes` in reason. */
export const MAX_PREFIX_BYTES = 4

/** Time a parting side waits for the other to take in the reason, in ms. */
export const FAREWELL_MS = 1_000
/** Time that a peer has to close its connection once it has said goodbye on it, in ms: four times what a shutdown takes. */
export const PARTING_MS = 120_000
/** Shortest time between two statuses we send, in ms: a fifth of what a peer allows, so that bunching is harmless. */
export const STATUS_GAP_MS = 500
/** Status messages a peer may send at once are those of this many seconds. */
export const STATUS_BURST_SECONDS = 2
/** Shortest time between two reports for a flood on one connection, in ms. */
export const FLOOD_REPORT_GAP_MS = 1_000

/** One stream is kept; room for a second lets us see, and report, the peer that opens it. */
export const MAX_INBOUND_STREAMS = 2
export const MAX_OUTBOUND_STREAMS = 1

/** `setTimeout` fires at once for anything longer, about 25 days. */
export const MAX_TIMER_MS = 2_147_483_647
