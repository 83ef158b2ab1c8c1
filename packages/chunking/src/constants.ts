/** Largest frame that still fits one Noise message behind a yamux header. */
export const DEFAULT_MAX_FRAME_BYTES = 65_000
export const MIN_MAX_FRAME_BYTES = 64
export const DEFAULT_MAX_MESSAGE_BYTES = 10 * 1_024 * 1_024
/** No option raises a message above this: 100 MiB, and the header of whatever is carried in it. */
export const HARD_MAX_MESSAGE_BYTES = 100 * 1_024 * 1_024 + 4_096
export const DEFAULT_MAX_PARTIAL_MESSAGES = 64
/** Part of the outgoing messages of several frames that only critical ones may be. */
export const CRITICAL_SHARE = 1 / 8
export const DEFAULT_MAX_PARTIAL_BYTES = 32 * 1_024 * 1_024
export const DEFAULT_PARTIAL_IDLE_MS = 30_000
export const DEFAULT_MAX_STARTED_BYTES = 8 * 1_024 * 1_024
export const DEFAULT_MAX_QUEUED_BYTES = 32 * 1_024 * 1_024
/** The largest yamux window, and a little: less would reset an honest stream while it is paused. */
export const DEFAULT_MAX_READ_BUFFER_BYTES = 17 * 1_024 * 1_024
export const DEFAULT_LANE_WEIGHTS = { high: 16, normal: 4, bulk: 1 } as const

/** Flags, 1 byte; message id, 8; total, 8; payload length, 3. */
export const MAX_HEADER_BYTES = 20
/** A frame that neither ends its message nor the batch carries at least this, or it waits for the next batch. */
export const MIN_FRAME_PAYLOAD_BYTES = 1_024
/** Payload of a frame from here on is sent as a view; below, a copy is cheaper than another entry in every list. */
export const VIEW_BYTES = 4_096
/**
 * Messages of one run of microtasks after which they are written without waiting for its end. Fewer cost more writes;
 * with more, two sides that ask and answer by the dozen take turns, and each of them idles half of the time.
 */
export const MESSAGES_PER_WRITE = 32
/** An incoming message of several frames has room for at most so many times what has come of it. */
export const MAX_ROOM_AHEAD = 4
/** A timer that is so late, in ms, says that the process stood still, and has read nothing. */
export const STOOD_STILL_MS = 1_000
/** Idle times that an incoming message has in all, beside what it needs at the least rate. */
export const MAX_PARTIAL_IDLE_TIMES = 10
/** Least rate of an incoming message that takes longer: it may be one of many on a slow link, and no slower. */
export const LEAST_PARTIAL_BYTES_PER_SECOND = 32_768
/** Finished messages that a late refusal can still be matched with. */
export const MAX_REMEMBERED_MESSAGES = 64
/** Refusals and aborts that wait to be sent; a peer that causes more without reading them loses the channel. */
export const MAX_WAITING_CONTROLS = 1_024
/** What a queued message counts beside its bytes: what its record takes. */
export const MESSAGE_OVERHEAD_BYTES = 64
/** Cancelled messages left in a queue before it is swept. */
export const MAX_CANCELLED_MESSAGES = 256
/** The longest time a timer can be set to: beyond it, it fires at once. */
export const MAX_TIMEOUT_MS = 2_147_483_647

/**
 * Chunks travel inside messages, which are cut into frames anyway, so there is nothing to gain from the size of a
 * frame. A power of two keeps chunks on the pages of what they are read from; at 64 KiB the proof of a chunk of 100 MiB
 * adds 0.5 %, and a forger gets us to take 64 KiB before we know.
 */
export const DEFAULT_CHUNK_BYTES = 65_536
/** Below, what is kept for each chunk would be more than a tenth of the payload, and proofs a third of what is sent. */
export const MIN_CHUNK_BYTES = 1_024
export const MAX_CHUNK_BYTES = 1_024 * 1_024
export const DEFAULT_MAX_TOTAL_BYTES = 10 * 1_024 * 1_024
/** No option raises a payload above this. */
export const HARD_MAX_TOTAL_BYTES = 100 * 1_024 * 1_024
/** Bytes hashed before other work gets its turn: a few milliseconds. */
export const SPLIT_TURN_BYTES = 1_024 * 1_024
