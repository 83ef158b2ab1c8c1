/** libp2p specification of noise, "Negotiation". */
export const NOISE_PROTOCOL = '/noise'

/** Noise §8: pattern, DH, cipher and hash. Its 32 bytes are exactly as long as a hash, so it is used unhashed. */
export const PROTOCOL_NAME = 'Noise_XX_25519_ChaChaPoly_SHA256'

/** Length of an X25519 key and of what two of them agree on (Noise §12.1). */
export const KEY_BYTES = 32

/** Length of the tag behind a ciphertext (Noise §12.3). */
export const TAG_BYTES = 16

/** Length prefix of every message on the wire, big-endian (libp2p specification of noise, "Wire Format"). */
export const LENGTH_BYTES = 2

/** The longest message of Noise (§3), and what its length prefix can say. */
export const MAX_FRAME_BYTES = 65_535

/** Plaintext that fits into one message. */
export const MAX_PLAINTEXT_BYTES = MAX_FRAME_BYTES - TAG_BYTES

/**
 * First nonce that is not used. Noise (§5.1) allows all below 2^64 - 1; a number counts exactly up to here, which at a
 * million messages a second lasts for 285 years.
 */
export const MAX_NONCE = Number.MAX_SAFE_INTEGER

export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000
export const DEFAULT_MAX_HANDSHAKE_BYTES = 16_384
/** Sixteen messages. */
export const DEFAULT_MAX_BATCH_BYTES = 16 * MAX_PLAINTEXT_BYTES
/** Writes that may wait for a connection that is full; with one more it is aborted. */
export const MAX_UNHEEDED_WRITES = 16_384
/** Below it not even a payload with an RSA key fits. */
export const MIN_HANDSHAKE_BYTES = 1_024
