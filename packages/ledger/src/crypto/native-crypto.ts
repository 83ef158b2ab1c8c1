import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../constants.ts'
import type { LedgerCrypto } from './crypto.ts'

/** libsodium as a native addon. Rejects where it is not installed, or has no build for this platform. */
export async function nativeCrypto(): Promise<LedgerCrypto> {
  const { default: sodium } = await import('sodium-native')
  return {
    name: 'sodium-native',
    sha256: (target, bytes) => sodium.crypto_hash_sha256(target, bytes),
    keyPairOf(seed) {
      const pair = { publicKey: new Uint8Array(PUBLIC_KEY_BYTES), secretKey: new Uint8Array(SIGNATURE_BYTES) }
      sodium.crypto_sign_seed_keypair(pair.publicKey, pair.secretKey, seed)
      return pair
    },
    sign(message, secretKey) {
      const signature = new Uint8Array(SIGNATURE_BYTES)
      sodium.crypto_sign_detached(signature, message, secretKey)
      return signature
    },
    verify: (publicKey, message, signature) => sodium.crypto_sign_verify_detached(signature, message, publicKey),
  }
}
