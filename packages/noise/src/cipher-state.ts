import { MAX_NONCE } from './constants.ts'
import type { NoiseCrypto } from './crypto.ts'
import { NoiseFrameError } from './errors.ts'

const WORD = 2 ** 32

/** The CipherState of Noise §5.1: a key, and the number of the next message under it. */
export class CipherState {
  readonly #crypto: NoiseCrypto
  readonly #key: Uint8Array
  readonly #nonce = new Uint8Array(12)
  readonly #view = new DataView(this.#nonce.buffer)
  #count: number
  #isWiped = false

  /** Takes `key` over, and overwrites it in `wipe`. */
  constructor(crypto: NoiseCrypto, key: Uint8Array, count = 0) {
    this.#crypto = crypto
    this.#key = key
    this.#count = count
  }

  /** @throws {NoiseFrameError} `nonce-exhausted`, `keys-wiped` */
  encrypt(target: Uint8Array, plaintext: Uint8Array, ad: Uint8Array | null = null): void {
    this.#crypto.encrypt(target, plaintext, this.#currentNonce(), ad, this.#key)
    this.#count++
  }

  /**
   * Decrypts, or returns `false` and stays at the same nonce where the tag does not verify.
   * @throws {NoiseFrameError} `nonce-exhausted`, `keys-wiped`
   */
  decrypt(target: Uint8Array, ciphertext: Uint8Array, ad: Uint8Array | null = null): boolean {
    const isGenuine = this.#crypto.decrypt(target, ciphertext, this.#currentNonce(), ad, this.#key)
    if (isGenuine) this.#count++
    return isGenuine
  }

  /** Overwrites the key. Nothing can be encrypted or decrypted any more. */
  wipe(): void {
    this.#isWiped = true
    this.#crypto.wipe(this.#key)
  }

  /** 32 bits of zeros, then the count as 64 bits, little-endian (Noise §12.3). */
  #currentNonce(): Uint8Array {
    if (this.#isWiped) throw new NoiseFrameError('keys-wiped', 'the connection is closed')
    if (this.#count >= MAX_NONCE) {
      throw new NoiseFrameError(
        'nonce-exhausted',
        `${this.#count} messages under one key, and at most ${MAX_NONCE} may be`,
      )
    }
    // `>>> 0` takes the low 32 bits of any whole number.
    this.#view.setUint32(4, this.#count >>> 0, true)
    this.#view.setUint32(8, Math.floor(this.#count / WORD), true)
    return this.#nonce
  }
}
