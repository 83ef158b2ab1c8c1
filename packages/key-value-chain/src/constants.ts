/** What the signature of a transaction covers first, before the chain id and the transaction. */
export const TRANSACTION_DOMAIN = 'gridmesh/kv-tx/1'
/** What the signature of a block covers first, before the header. */
export const BLOCK_DOMAIN = 'gridmesh/kv-block/1'
/** What the id of a chain is the hash of, before the genesis. */
export const GENESIS_DOMAIN = 'gridmesh/kv-genesis/1'
/** The first byte of every transaction and every header. */
export const FORMAT_VERSION = 1

/** Longest key, in bytes; the shortest has one. */
export const MAX_KEY_BYTES = 64
/** Longest value, in bytes. */
export const MAX_VALUE_BYTES = 4_096
/** Operations of one transaction. */
export const MAX_OPERATIONS = 64
/** Largest transaction, in bytes, with its signature. */
export const MAX_TRANSACTION_BYTES = 65_536
/** Largest block, in bytes, with its header. */
export const MAX_BLOCK_BYTES = 1_000_000
/**
 * Operations of one block. A delete of a few bytes has a store keep a whole value, to be undone: a block and all that it
 * changes is at most 20 MB.
 */
export const MAX_BLOCK_OPERATIONS = 4_000
/** Those who may make blocks. */
export const MAX_PRODUCERS = 64
/** Longest name of a chain, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 64
/** Headers given at once; who asks for more gets so many. */
export const MAX_HEADERS = 1_000

export const DEFAULT_MAX_QUEUED = 1_024
export const DEFAULT_MAX_QUEUED_BYTES = 33_554_432
export const DEFAULT_MAX_SIDE_BLOCKS = 256
export const DEFAULT_MAX_SIDE_BYTES = 16_777_216
export const DEFAULT_MAX_CLOCK_AHEAD_MS = 500
/** Blocks that are remembered as false, so that nobody can have them executed again. */
export const MAX_MARKS = 1_024
