// The part of sodium-native 5 that is used here. Its own package has no types, and those of DefinitelyTyped are of
// version 2, without this cipher.
declare module 'sodium-native' {
  interface Sodium {
    randombytes_buf(target: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, privateKey: Uint8Array): void
    /** Throws where the result is all zero. */
    crypto_scalarmult(secret: Uint8Array, privateKey: Uint8Array, publicKey: Uint8Array): void
    crypto_hash_sha256(target: Uint8Array, data: Uint8Array): void
    crypto_aead_chacha20poly1305_ietf_encrypt(
      target: Uint8Array,
      plaintext: Uint8Array,
      ad: Uint8Array | null,
      unused: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    /** Throws where the tag does not verify. */
    crypto_aead_chacha20poly1305_ietf_decrypt(
      target: Uint8Array,
      unused: null,
      ciphertext: Uint8Array,
      ad: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    sodium_memzero(bytes: Uint8Array): void
  }
  const sodium: Sodium
  export default sodium
}
