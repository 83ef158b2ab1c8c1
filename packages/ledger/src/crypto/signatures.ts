import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../constants.ts'
import { chosenCrypto } from './chosen-crypto.ts'

/** A signature with what it is over and whose it is: all that a pool of workers needs to check it. */
export interface SignatureClaim {
  publicKey: Uint8Array
  message: Uint8Array
  signature: Uint8Array
}

/** Says whether a signature holds. */
export type Verify = (claim: SignatureClaim) => boolean

/** Signs for one public key. */
export interface LedgerSigner {
  readonly publicKey: Uint8Array
  /** The ed25519 signature over `message`, 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

const SEED_BYTES = 32

/** Makes the signer of an ed25519 seed of 32 bytes. @throws {RangeError} for any other length */
export function signerOf(seed: Uint8Array): LedgerSigner {
  if (seed.byteLength !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes, not ${seed.byteLength}`)
  const { publicKey, secretKey } = chosenCrypto.keyPairOf(seed)
  return { publicKey, sign: (message) => chosenCrypto.sign(message, secretKey) }
}

/** Checks an ed25519 signature by the rule of libsodium, which refuses small-order and non-canonical keys. */
export const verifySignature: Verify = ({ publicKey, message, signature }) =>
  publicKey.byteLength === PUBLIC_KEY_BYTES &&
  signature.byteLength === SIGNATURE_BYTES &&
  chosenCrypto.verify(publicKey, message, signature)
