import { concat } from 'uint8arrays/concat'
import { CipherState } from './cipher-state.ts'
import { PROTOCOL_NAME, TAG_BYTES } from './constants.ts'
import type { NoiseCrypto } from './crypto.ts'
import { hkdf } from './hkdf.ts'

const NONE = new Uint8Array(0)

/** The SymmetricState of Noise §5.2: what both sides have seen and agreed on so far. */
export class SymmetricState {
  readonly #crypto: NoiseCrypto
  #hash: Uint8Array
  #chainingKey: Uint8Array
  #cipher: CipherState | undefined

  constructor(crypto: NoiseCrypto) {
    this.#crypto = crypto
    this.#hash = new TextEncoder().encode(PROTOCOL_NAME)
    this.#chainingKey = this.#hash.slice()
  }

  /** The hash of all that was sent (`GetHandshakeHash` of Noise §11.2). */
  get hash(): Uint8Array {
    return this.#hash
  }

  /** By how much `encryptAndHash` lengthens what it is given. */
  get tagBytes(): number {
    return this.#cipher === undefined ? 0 : TAG_BYTES
  }

  /** Mixes in a secret, and overwrites it. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#crypto, this.#chainingKey, secret)
    this.wipe()
    this.#crypto.wipe(secret)
    this.#chainingKey = chainingKey
    this.#cipher = new CipherState(this.#crypto, key)
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.sha256(concat([this.#hash, data]))
  }

  /** Encrypts with the hash as associated data; before the first key it leaves `plaintext` as it is. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = new Uint8Array(plaintext.length + this.tagBytes)
    if (this.#cipher === undefined) ciphertext.set(plaintext)
    else this.#cipher.encrypt(ciphertext, plaintext, this.#hash)
    this.mixHash(ciphertext)
    return ciphertext
  }

  /** The plaintext, or `undefined` where the tag does not verify. `ciphertext` has at least `tagBytes`. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = new Uint8Array(ciphertext.length - this.tagBytes)
    if (this.#cipher === undefined) plaintext.set(ciphertext)
    else if (!this.#cipher.decrypt(plaintext, ciphertext, this.#hash)) return undefined
    this.mixHash(ciphertext)
    return plaintext
  }

  /** The keys of the connection: the first for what the initiator sends. Wipes its own. */
  split(): [fromInitiator: CipherState, fromResponder: CipherState] {
    const [first, second] = hkdf(this.#crypto, this.#chainingKey, NONE)
    this.wipe()
    return [new CipherState(this.#crypto, first), new CipherState(this.#crypto, second)]
  }

  /** Overwrites the keys. */
  wipe(): void {
    this.#cipher?.wipe()
    this.#crypto.wipe(this.#chainingKey)
  }
}
