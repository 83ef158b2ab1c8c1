import { createHmac } from 'node:crypto'
import { KEY_BYTES } from './constants.ts'
import type { KeyPair, NoiseCrypto } from './crypto.ts'

/**
 * libsodium as a native addon, by sodium-native.
 *
 * @throws when the addon is not installed, or there is no build of it for this platform
 */
export async function nativeCrypto(): Promise<NoiseCrypto> {
  const { default: sodium } = await import('sodium-native')
  const keyPairOf = (privateKey: Uint8Array): KeyPair => {
    const publicKey = new Uint8Array(KEY_BYTES)
    sodium.crypto_scalarmult_base(publicKey, privateKey)
    return { publicKey, privateKey }
  }
  return {
    name: 'sodium-native',
    keyPairOf,
    generateKeyPair() {
      const privateKey = new Uint8Array(KEY_BYTES)
      sodium.randombytes_buf(privateKey)
      return keyPairOf(privateKey)
    },
    sharedSecret(privateKey, publicKey) {
      const secret = new Uint8Array(KEY_BYTES)
      sodium.crypto_scalarmult(secret, privateKey, publicKey)
      return secret
    },
    sha256(data) {
      const hash = new Uint8Array(KEY_BYTES)
      sodium.crypto_hash_sha256(hash, data)
      return hash
    },
    // sodium-native does not bind libsodium's crypto_auth_hmacsha256.
    hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),
    encrypt(target, plaintext, nonce, ad, key) {
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(target, plaintext, ad, null, nonce, key)
    },
    decrypt(target, ciphertext, nonce, ad, key) {
      try {
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(target, null, ciphertext, ad, nonce, key)
        return true
      } catch {
        return false
      }
    },
    wipe: (bytes) => sodium.sodium_memzero(bytes),
  }
}
