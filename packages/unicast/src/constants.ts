import type { Lane } from '@gridmesh/interfaces'

/** Each lane has a protocol of its own, so that one lane's flow-control window never blocks another. */
export const PROTOCOLS: Readonly<Record<Lane, string>> = {
  critical: '/gridmesh/unicast/1/critical',
  high: '/gridmesh/unicast/1/high',
  normal: '/gridmesh/unicast/1/normal',
  bulk: '/gridmesh/unicast/1/bulk',
}

/** One stream that is kept, and one that is being replaced. */
export const MAX_STREAMS_PER_LANE = 2
/**
 * Streams of a lane that libp2p hands us: more than its muxer lets in. Over a limit of its own it would reset all of a
 * burst without a word; handed to us, each is charged to the rate limiter, and a peer that floods is counted and blamed.
 */
export const MAX_SEEN_STREAMS_PER_LANE = 1_024

/** Refused streams that are told why at once; further ones are reset without a word. */
export const MAX_TOLD_STREAMS = 16
/** Longest time that a refused stream is kept for its peer to read the reason, in ms. */
export const TELL_MS = 1_000

export const DEFAULT_DEADLINE_MS = 10_000
export const DEFAULT_MAX_DEADLINE_MS = 300_000
export const DEFAULT_HANDLER_GRACE_MS = 5_000
export const DEFAULT_OPEN_TIMEOUT_MS = 10_000
export const DEFAULT_MAX_IN_FLIGHT = 1_024
export const DEFAULT_MAX_WAITING = 1_024
export const DEFAULT_RETRIES = 3
export const DEFAULT_RETRY_BASE_MS = 100
export const DEFAULT_RETRY_MAX_MS = 2_000
export const DEFAULT_MAX_KEYS = 10_000
export const DEFAULT_KEY_TTL_MS = 600_000
export const DEFAULT_MAX_ANSWER_BYTES = 16 * 1_024 * 1_024
export const DEFAULT_MAX_HANDLERS_PER_PEER = 32
export const DEFAULT_MAX_HANDLERS = 256
export const DEFAULT_MAX_QUEUED_PER_PEER = 128
export const DEFAULT_MAX_QUEUED = 1_024
export const DEFAULT_BUSY_RETRY_AFTER_MS = 250
export const DEFAULT_MAX_HELD_BYTES_PER_PEER = 32 * 1_024 * 1_024
export const DEFAULT_MAX_HELD_BYTES = 256 * 1_024 * 1_024
export const DEFAULT_MAX_ASKED_BYTES = 256 * 1_024 * 1_024
export const DEFAULT_MAX_MESSAGE_BYTES = 10 * 1_024 * 1_024
export const DEFAULT_MAX_PARTIAL_BYTES_PER_PEER = 32 * 1_024 * 1_024
export const DEFAULT_MAX_PARTIAL_BYTES = 256 * 1_024 * 1_024
export const DEFAULT_STREAM_IDLE_MS = 60_000
export const DEFAULT_MAX_UNREAD_BYTES = 4 * 1_024 * 1_024
export const DEFAULT_MAX_UNREAD_BYTES_IN_ALL = 256 * 1_024 * 1_024

/** What the sender of a stream may send before the first credit comes. Part of the protocol. */
export const INITIAL_CREDIT_BYTES = 256 * 1_024
/** What an item of a stream costs beside its bytes, so that empty ones are bounded too. Part of the protocol. */
export const ITEM_OVERHEAD_BYTES = 64
/** Cost of items that one credit stands for at least, but for the first of a stream. Part of the protocol. */
export const LEAST_CREDIT_BYTES = INITIAL_CREDIT_BYTES / 2
/** Room for the signals of a call that may still be under way when it is over, in bytes. */
export const LATE_SLACK_BYTES = 256
export const KEY_BYTES = 16
/** Repeats of one idempotent call that may wait for its end. They follow each other, so more are not honest. */
export const MAX_REPEATS = 16
/** Longest time that a handler may have its receipts wait, in ms. */
export const MAX_RECEIPT_DELAY_MS = 1_000
/** A caller with less time than so many delays has its receipt at once. */
export const MIN_DEADLINE_PER_RECEIPT_DELAY = 10
/** Receipts of one stream that wait at once; with one more they go. */
export const MAX_HELD_RECEIPTS = 64
/** The longest time a timer can be set to: beyond it, it fires at once. */
export const MAX_TIMEOUT_MS = 2_147_483_647
export const MAX_NAME_BYTES = 255
export const MAX_CODE_BYTES = 64
export const MAX_ERROR_BYTES = 1_024
/** Payloads below this are copied next to their header: cheaper than a list of two. */
export const COPY_BELOW_BYTES = 4_096
/** Messages from this length on may be refused each for itself, and their sender is told; in bytes. */
export const REFUSABLE_BYTES = 1_024
/** Room for the header of a message and its name, on top of the largest payload. */
export const MAX_HEADER_BYTES = 320
