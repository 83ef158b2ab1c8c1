/** A key pair of ed25519, as libsodium holds it. */
export interface SigningKeyPair {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** What the ledger needs of libsodium. Both builds of it are of one opinion on every signature. */
export interface LedgerCrypto {
  /** The library behind it. */
  readonly name: string
  /** Writes the SHA-256 of `bytes` into `target`, 32 bytes. */
  sha256(target: Uint8Array, bytes: Uint8Array): void
  keyPairOf(seed: Uint8Array): SigningKeyPair
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
  /** Of a key of 32 bytes and a signature of 64. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}
