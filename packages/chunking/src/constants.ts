/** Largest frame that still fits one Noise message behind a yamux header. */
export const DEFAULT_MAX_FRAME_BYTES = 65_000
export const MIN_MAX_FRAME_BYTES = 64
export const DEFAULT_MAX_MESSAGE_BYTES = 10 * 1_024 * 1_024
/** No option raises a message above this: 100 MiB, and the header of whatever is carried in it. */
export const HARD_MAX_MESSAGE_BYTES = 100 * 1_024 * 1_024 + 4_096
export const DEFAULT_MAX_PARTIAL_MESSAGES = 64
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
