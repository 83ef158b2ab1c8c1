/** Longest topic, as of `@gridmesh/broadcast`. */
export const MAX_TOPIC_CHARACTERS = 128
/** Length of a message id, in bytes. */
export const MESSAGE_ID_BYTES = 20

export const DEFAULT_MAX_MESSAGE_BYTES = 2_097_152
export const DEFAULT_MAX_QUEUED = 4_096
export const DEFAULT_MAX_IDS = 10_000
export const DEFAULT_DELIVERY_LIFETIME_MS = 60_000
export const DEFAULT_HANDLER_DEADLINE_MS = 5_000
/** Longest time that a timer can wait, in ms. */
export const MAX_TIMEOUT_MS = 2_147_483_647
