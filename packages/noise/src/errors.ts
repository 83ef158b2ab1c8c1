import { InvalidCryptoExchangeError } from '@libp2p/interface'

/**
 * What ended a handshake.
 *
 * - `closed`: the connection ended before the handshake did
 * - `oversized`: a message longer than `maxHandshakeBytes`
 * - `truncated`: a message too short for what has to be in it
 * - `forged`: a part that does not decrypt: changed, replayed, or for another key or prologue
 * - `weak-key`: a key that leads to an all-zero secret
 * - `malformed-payload`: a payload that is no protobuf message, or has no readable identity key
 * - `invalid-signature`: the identity key did not sign the static key
 * - `no-common-muxer`: both sides named stream muxers, and none in common
 */
export type HandshakeFault =
  | 'closed'
  | 'oversized'
  | 'truncated'
  | 'forged'
  | 'weak-key'
  | 'malformed-payload'
  | 'invalid-signature'
  | 'no-common-muxer'

/** A handshake failed. Its name is that of libp2p, whose users compare it. */
export class NoiseHandshakeError extends InvalidCryptoExchangeError {
  static override readonly name = 'InvalidCryptoExchangeError'
  readonly code: HandshakeFault

  constructor(code: HandshakeFault, message: string, options?: ErrorOptions) {
    super(`Noise handshake ${code}: ${message}`)
    this.code = code
    // The class of libp2p takes no cause.
    if (options?.cause !== undefined) this.cause = options.cause
  }
}

/**
 * What ended an encrypted connection.
 *
 * - `forged`: a message that does not decrypt: changed, repeated, left out or out of order
 * - `too-short`: a message shorter than its tag
 * - `truncated`: the connection ended inside a message
 * - `nonce-exhausted`: as many messages as one key may encrypt
 * - `keys-wiped`: the connection was closed, and its keys with it
 */
export type FrameFault = 'forged' | 'too-short' | 'truncated' | 'nonce-exhausted' | 'keys-wiped'

/** An encrypted connection cannot go on. */
export class NoiseFrameError extends Error {
  static override readonly name = 'NoiseFrameError'
  override readonly name = 'NoiseFrameError'
  readonly code: FrameFault

  constructor(code: FrameFault, message: string) {
    super(`Noise message ${code}: ${message}`)
    this.code = code
  }
}
