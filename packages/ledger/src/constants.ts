/** What a transaction's signature covers first, before the chain id and the transaction. */
export const TRANSACTION_DOMAIN = 'gridmesh/tx/1'
/** What a block's signature covers first, before the header. */
export const BLOCK_DOMAIN = 'gridmesh/block/1'
/** The first byte of every transaction and every header. */
export const FORMAT_VERSION = 1

export const HASH_BYTES = 32
export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
/** Transaction id and the place among its outputs. */
export const OUTPUT_ID_BYTES = HASH_BYTES + 2

/** Largest transaction, in bytes, with its signature. */
export const MAX_TRANSACTION_BYTES = 65_536
/** Outputs that one transaction spends. */
export const MAX_INPUTS = 256
/** Outputs that one transaction makes. */
export const MAX_OUTPUTS = 256
/** Largest block, in bytes, with its header. */
export const MAX_BLOCK_BYTES = 1_000_000
/** Longest name of a chain, a zone or a meter, in bytes. */
export const MAX_NAME_BYTES = 64
/** Longest text of a proposal, in bytes. */
export const MAX_TEXT_BYTES = 1_024
/** Longest action of a proposal, in bytes. */
export const MAX_ACTION_BYTES = 1_024
/** Longest grid state, in bytes. */
export const MAX_GRID_STATE_BYTES = 32_768
/** Authorities at once, and so votes for one proposal. */
export const MAX_AUTHORITIES = 256
/** Zones that one authority is registered for. */
export const MAX_ZONES_OF_AUTHORITY = 256
/**
 * How far the sequence of a meter, or of the grid state, rises at once: seconds of Unix time may be sequences, and no one
 * number uses up all that could follow it.
 */
export const MAX_SEQUENCE_STEP = 2 ** 32
/** Largest genesis text, in characters. */
export const MAX_GENESIS_CHARACTERS = 4_194_304
/** Entries of the state fall into 2^16 buckets, by the first two bytes of the hash of their key. */
export const BUCKETS = 2 ** 16
/** Largest encoded piece of the state, in bytes. */
export const MAX_PIECE_BYTES = 16_777_216
/** Largest row of the state, in bytes: what a piece can carry. The grid state is the largest there is. */
export const MAX_ROW_BYTES = 65_535
