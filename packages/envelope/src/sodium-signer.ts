import type { Signer } from '@gridmesh/interfaces'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts'
import { ed25519KeyPair, type SigningKey } from './ed25519-key.ts'

/** The part of `sodium-native` that is used. */
export interface SodiumLibrary {
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

/**
 * Makes a synchronous signer on libsodium from a libp2p Ed25519 private key: faster than `node:crypto`, and of the same
 * opinion on every signature. `sodium` is the default export of `sodium-native`.
 *
 * @throws {TypeError} when the key is not an Ed25519 key
 */
export function sodiumSigner(privateKey: SigningKey, sodium: SodiumLibrary): Signer {
  const { seed, publicKey } = ed25519KeyPair(privateKey)
  // libsodium's secret key is the same two halves in the same order.
  const secretKey = Buffer.concat([seed, publicKey])
  return {
    publicKey,
    sign(message) {
      const signature = new Uint8Array(SIGNATURE_BYTES)
      sodium.crypto_sign_detached(signature, message, secretKey)
      return signature
    },
    verify(key, message, signature) {
      if (key.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
      return sodium.crypto_sign_verify_detached(signature, message, key)
    },
  }
}
