/** Bytes of a block hash and of a transaction id. */
export const HASH_BYTES = 32
/** Heights have six bytes in a key. */
export const MAX_HEIGHT = 2 ** 48 - 1
/** Format of what is on disk; another one is refused. */
export const FORMAT_VERSION = 1
/** Format with an index of the state, which whoever knows only the other one would leave behind the state. */
export const INDEXED_FORMAT_VERSION = 2

export const DEFAULT_MAX_BLOCK_BYTES = 33_554_432
export const DEFAULT_MAX_PENDING_BYTES = 67_108_864
export const DEFAULT_MAX_CACHE_BYTES = 67_108_864
export const DEFAULT_MAX_HEADERS = 2_000
export const DEFAULT_WRITE_BUFFER_BYTES = 33_554_432
export const DEFAULT_BLOCK_CACHE_BYTES = 33_554_432

/** Largest file of LevelDB, in bytes: at its own 2 MiB, a chain of 2 GB has more than the thousand that it holds open. */
export const FILE_BYTES = 16_777_216
/** What a cached entry costs beside its bytes: an entry of a map and a string of V8, and its length. */
export const CACHE_ENTRY_BYTES = 96
/** What a change or a transaction costs in a batch beside its bytes: objects and prefixes of keys. */
export const OPERATION_BYTES = 64
/** Batches that are known by number on disk, so that one that is lost among them is noticed at the next open. */
export const JOURNAL_SLOTS = 64
/** Blocks pruned at most with each append: after `keepBlocks` is lowered, the rest goes little by little. */
export const PRUNE_PER_APPEND = 4
/** Undo records dropped at most in one batch. */
export const UNDO_PER_BATCH = 128
/** Bytes of an import, or of an index that is built, in one batch. */
export const IMPORT_CHUNK_BYTES = 4_194_304
/** Entries fetched at once by an iteration, and about how many bytes of them. */
export const ITERATOR_ENTRIES = 2_048
export const ITERATOR_BYTES = 262_144
/** Entries of a range deleted at once: some 10 ms of LevelDB. */
export const CLEAR_ENTRIES = 8_192
/** Optimistic reads of the state before one takes a turn among the writes. */
export const READ_ATTEMPTS = 2
/** Longest name of a staged state, in bytes. */
export const MAX_STAGE_NAME_BYTES = 256
/** Longest id of an index, in bytes. */
export const MAX_INDEX_ID_BYTES = 256
/** Longest term of an entry, in bytes: its length has one byte in a key. */
export const MAX_TERM_BYTES = 255
