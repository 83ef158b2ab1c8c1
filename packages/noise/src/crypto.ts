/** A key pair of X25519, 32 bytes each. */
export interface KeyPair {
  publicKey: Uint8Array
  privateKey: Uint8Array
}

/** The primitives of `Noise_XX_25519_ChaChaPoly_SHA256`, and nothing of the protocol. */
export interface NoiseCrypto {
  /** The library behind it, for logs. */
  readonly name: string
  /** Makes a key pair from the random source of the library. */
  generateKeyPair(): KeyPair
  /** The key pair of a private key of 32 bytes. */
  keyPairOf(privateKey: Uint8Array): KeyPair
  /** X25519: 32 bytes. Throws, or returns zeros, for a public key of low order. */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array
  /** SHA-256 of `data`. */
  sha256(data: Uint8Array): Uint8Array
  /** HMAC-SHA-256 of `data`. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array
  /** ChaCha20-Poly1305 (RFC 8439) into `target`, 16 bytes longer than `plaintext`, which may lie at its beginning. */
  encrypt(target: Uint8Array, plaintext: Uint8Array, nonce: Uint8Array, ad: Uint8Array | null, key: Uint8Array): void
  /** The way back, into a `target` 16 bytes shorter; `false`, and no plaintext, where the tag does not verify. */
  decrypt(
    target: Uint8Array,
    ciphertext: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array | null,
    key: Uint8Array,
  ): boolean
  /** Overwrites `bytes` with zeros. */
  wipe(bytes: Uint8Array): void
}
