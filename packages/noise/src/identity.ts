import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { type AbortOptions, type PeerId, type PrivateKey, type PublicKey, UnexpectedPeerError } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { concat } from 'uint8arrays/concat'
import { NoiseHandshakeError } from './errors.ts'
import type { HandshakePayload } from './payload.ts'

const PREFIX = new TextEncoder().encode('noise-libp2p-static-key:')

/** Signs a static key with the identity key (libp2p specification of noise, "Static Key Authentication"). */
export async function signStaticKey(privateKey: PrivateKey, staticKey: Uint8Array): Promise<Uint8Array> {
  return privateKey.sign(concat([PREFIX, staticKey]))
}

/** Who sent `payload`, proved by its signature over the static key that came with it. */
export interface Claim {
  payload: HandshakePayload
  staticKey: Uint8Array
  /** Whom we dialled, where that is known. */
  expected: PeerId | undefined
}

/**
 * The peer that a payload proves.
 * @throws {NoiseHandshakeError} `malformed-payload`, `invalid-signature`
 * @throws {UnexpectedPeerError} when it proves another peer than the expected one
 */
export async function provePeer({ payload, staticKey, expected }: Claim, options: AbortOptions): Promise<PeerId> {
  const publicKey = identityKeyOf(payload)
  const peer = peerIdFromPublicKey(publicKey)
  if (!(await isSigned(publicKey, staticKey, payload.identitySignature, options))) {
    throw new NoiseHandshakeError(
      'invalid-signature',
      `${peer.toString()} did not sign the static key that came with it`,
    )
  }
  if (expected !== undefined && !expected.equals(peer)) {
    // libp2p keeps nothing but the message, and "Unexpected peer" is how others know it.
    throw new UnexpectedPeerError(`Unexpected peer: ${peer.toString()} came, ${expected.toString()} was expected`)
  }
  return peer
}

function identityKeyOf({ identityKey }: HandshakePayload): PublicKey {
  try {
    return publicKeyFromProtobuf(identityKey)
  } catch (cause) {
    const message = `an identity key of ${identityKey.length} bytes that cannot be read`
    throw new NoiseHandshakeError('malformed-payload', message, { cause })
  }
}

async function isSigned(
  publicKey: PublicKey,
  staticKey: Uint8Array,
  signature: Uint8Array,
  options: AbortOptions,
): Promise<boolean> {
  try {
    return await publicKey.verify(concat([PREFIX, staticKey]), signature, options)
  } catch (cause) {
    options.signal?.throwIfAborted()
    // Some kinds of keys throw at a signature of the wrong length.
    const message = `a signature of ${signature.length} bytes that cannot be read`
    throw new NoiseHandshakeError('invalid-signature', message, { cause })
  }
}
