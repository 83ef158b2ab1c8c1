export const DEFAULT_MAX_TRANSACTION_BYTES = 65_536
export const DEFAULT_MAX_TRANSACTIONS = 100_000
export const DEFAULT_MAX_BYTES = 67_108_864
export const DEFAULT_MAX_TRANSACTIONS_PER_SENDER = 10_000
export const DEFAULT_MAX_BYTES_PER_SENDER = 8_388_608
export const DEFAULT_MAX_AGE_MS = 3_600_000
export const DEFAULT_MAX_WAITING = 1_000
export const DEFAULT_MAX_WAITING_BYTES = 2_097_152
export const DEFAULT_MAX_WAITING_PER_SENDER = 100
export const DEFAULT_MAX_WAITING_MS = 60_000
export const DEFAULT_MAX_PENDING = 8_192
export const DEFAULT_MAX_PENDING_BYTES = 16_777_216
export const DEFAULT_MAX_REMEMBERED = 65_536
export const DEFAULT_BATCH_SIZE = 256
export const DEFAULT_CONCURRENCY = 2
export const DEFAULT_DEADLINE_MS = 10_000

/** How often what is too old is looked for, in ms. */
export const SWEEP_INTERVAL_MS = 1_000
/** Longest delay of a timer, in ms; a longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
/** Transactions in a row that do not fit before `take` ends: what is left of a block is seldom worth a longer look. */
export const MAX_SKIPPED = 1_000
/** A batch is looked up again when the tip moved meanwhile; after this many times in vain it is given up as `busy`. */
export const MAX_LOOKS = 8
/** Records that a log may hold beyond twice those that count before it is written anew. */
export const LOG_SLACK = 4_096
/** As many bytes it may hold beyond twice those of the transactions held: few large ones would come and go unnoticed. */
export const LOG_SLACK_BYTES = 16 * 1024 * 1024
