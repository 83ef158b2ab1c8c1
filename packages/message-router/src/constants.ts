import type { Lane, LoadLevel } from '@gridmesh/interfaces'

/** Unicast handler names. */
export const MESSAGE_HANDLER = 'message'
export const REQUEST_HANDLER = 'request'

/** Ends the kind of an answer. No kind of a user can end so, since `:` is not allowed in one. */
export const REPLY_SUFFIX = ':reply'

/** Stands for the kind of a message that was refused before its kind was known. */
export const UNKNOWN_KIND = '?'

export const KIND_PATTERN = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
export const MAX_KIND_LENGTH = 64
/** Longest time between two broadcasts of one kind, in ms. */
export const MAX_PACE_MS = 60_000

export const DEFAULT_LANE: Lane = 'normal'
export const DEFAULT_MAX_BYTES = 65_536

export const DEFAULT_BATCH_DELAY_MS = 5
export const DEFAULT_MAX_BATCH_HOLD_MS = 200
export const DEFAULT_MAX_BATCH_BYTES = 65_536
export const DEFAULT_MAX_BATCH_MESSAGES = 1_024
export const DEFAULT_MAX_PENDING_BATCHES = 256
export const DEFAULT_MAX_QUEUED: Readonly<Record<Lane, number>> = {
  critical: 1_024,
  high: 4_096,
  normal: 16_384,
  bulk: 256,
}
export const DEFAULT_MAX_QUEUED_BYTES = 67_108_864
export const DEFAULT_MAX_RUNNING: Readonly<Record<Lane, number>> = { critical: 64, high: 32, normal: 32, bulk: 4 }
export const DEFAULT_SLICE_MS = 8
export const DEFAULT_HANDLER_TIMEOUT_MS = 30_000
export const DEFAULT_MAX_OPENING = 1_024
export const DEFAULT_MAX_REPLY_BYTES = 10_485_760
export const DEFAULT_STOP_TIMEOUT_MS = 2_000
export const DEFAULT_MAX_TRACKED_PEERS = 4_096
export const DEFAULT_BUSY_RETRY_AFTER_MS = 1_000

/** The longest time a timer can be set to, in ms: beyond it, it fires at once. */
export const MAX_TIMEOUT_MS = 2_147_483_647

/** Kinds counted apart, in all and per peer; only kinds this node itself defines are counted, so few are needed. */
export const MAX_TRACKED_KINDS = 256
/** Counts what came after `MAX_TRACKED_KINDS` kinds. No kind of a user can be named so. */
export const OTHER_KINDS = '*'
/** Error codes counted apart per kind. */
export const MAX_TRACKED_CODES = 32
/** Counts the codes that came after `MAX_TRACKED_CODES`. */
export const OTHER_CODES = 'other'

/** Largest peer id on the wire (an RSA one has 34 bytes, an ed25519 one 38) with its header, in bytes. */
export const MAX_RECIPIENT_BYTES = 64
/** Tag and length that protobuf puts before each message of a batch, at most, in bytes. */
export const MESSAGE_OVERHEAD_BYTES = 6

/** All of the payload of an answer but the answer: the digest of its request, tags and lengths, in bytes. */
export const REPLY_OVERHEAD_BYTES = 64

/** Longest text of an error that is kept as evidence, in characters: parts of it may come from the peer. */
export const MAX_EVIDENCE_LENGTH = 200

/** Lanes that are refused at each level of load. */
export const SHED_LANES: Readonly<Record<Exclude<LoadLevel, 'normal'>, ReadonlySet<Lane>>> = {
  busy: new Set<Lane>(['bulk']),
  overloaded: new Set<Lane>(['bulk', 'normal']),
}
