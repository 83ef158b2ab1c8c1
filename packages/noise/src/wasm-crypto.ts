import { createHash, createHmac } from 'node:crypto'
import { KEY_BYTES } from './constants.ts'
import type { KeyPair, NoiseCrypto } from './crypto.ts'

/** libsodium compiled to WebAssembly, by libsodium-wrappers: on every platform, and slower. */
export async function wasmCrypto(): Promise<NoiseCrypto> {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  const keyPairOf = (privateKey: Uint8Array): KeyPair => ({
    publicKey: sodium.crypto_scalarmult_base(privateKey),
    privateKey,
  })
  return {
    name: 'libsodium-wrappers',
    keyPairOf,
    generateKeyPair: () => keyPairOf(sodium.randombytes_buf(KEY_BYTES)),
    sharedSecret: (privateKey, publicKey) => sodium.crypto_scalarmult(privateKey, publicKey),
    // libsodium-wrappers declares SHA-256 and HMAC, but only its sumo build of twice the size has them.
    sha256: (data) => createHash('sha256').update(data).digest(),
    hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),
    encrypt(target, plaintext, nonce, ad, key) {
      target.set(sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, ad, null, nonce, key))
    },
    decrypt(target, ciphertext, nonce, ad, key) {
      try {
        target.set(sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, ciphertext, ad, nonce, key))
        return true
      } catch {
        return false
      }
    },
    wipe: (bytes) => sodium.memzero(bytes),
  }
}
