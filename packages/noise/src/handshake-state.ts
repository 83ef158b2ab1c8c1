import { concat } from 'uint8arrays/concat'
import type { CipherState } from './cipher-state.ts'
import { KEY_BYTES } from './constants.ts'
import type { KeyPair, NoiseCrypto } from './crypto.ts'
import { NoiseHandshakeError } from './errors.ts'
import { SymmetricState } from './symmetric-state.ts'

/** Who begins: the initiator dials. */
export type Role = 'initiator' | 'responder'

type Agreement = 'ee' | 'es' | 'se'
type Token = 'e' | 's' | Agreement

/** The XX pattern of Noise §7.5: both sides send their static key. Even messages are the initiator's. */
const MESSAGES: readonly (readonly Token[])[] = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']]

export interface HandshakeStateInit {
  crypto: NoiseCrypto
  role: Role
  /** Both sides have to have the same. */
  prologue: Uint8Array
  staticKeys: KeyPair
  /** Made here, but for the published test vectors. */
  ephemeralKeys?: KeyPair
}

/** The HandshakeState of Noise §5.3, for the pattern XX alone. One that threw is of no more use. */
export class HandshakeState {
  readonly #crypto: NoiseCrypto
  readonly #role: Role
  readonly #symmetric: SymmetricState
  readonly #static: KeyPair
  readonly #ephemeral: KeyPair
  #remoteStatic: Uint8Array | undefined
  #remoteEphemeral: Uint8Array | undefined
  #sequence = 0

  constructor({ crypto, role, prologue, staticKeys, ephemeralKeys }: HandshakeStateInit) {
    this.#crypto = crypto
    this.#role = role
    this.#static = staticKeys
    this.#ephemeral = ephemeralKeys ?? crypto.generateKeyPair()
    this.#symmetric = new SymmetricState(crypto)
    this.#symmetric.mixHash(prologue)
  }

  /** The static key of the other side, once it has sent it. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic
  }

  /** The hash of the whole handshake (Noise §11.2). */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.hash
  }

  /** The next message, which is ours, with `payload` in it. */
  writeMessage(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = []
    for (const token of this.#nextTokens('initiator')) {
      if (token === 'e') {
        this.#symmetric.mixHash(this.#ephemeral.publicKey)
        parts.push(this.#ephemeral.publicKey)
      } else if (token === 's') parts.push(this.#symmetric.encryptAndHash(this.#static.publicKey))
      else this.#agree(token)
    }
    parts.push(this.#symmetric.encryptAndHash(payload))
    return concat(parts)
  }

  /**
   * Takes the next message, which is theirs, and returns the payload in it.
   * @throws {NoiseHandshakeError} `truncated`, `forged`, `weak-key`
   */
  readMessage(message: Uint8Array): Uint8Array {
    let rest = message
    const take = (length: number): Uint8Array => {
      if (rest.length < length) throw this.#truncated(message, message.length - rest.length + length)
      const part = rest.subarray(0, length)
      rest = rest.subarray(length)
      return part
    }
    for (const token of this.#nextTokens('responder')) {
      if (token === 'e') {
        this.#remoteEphemeral = take(KEY_BYTES).slice()
        this.#symmetric.mixHash(this.#remoteEphemeral)
      } else if (token === 's') {
        this.#remoteStatic = this.#decrypt(take(KEY_BYTES + this.#symmetric.tagBytes), 'static key')
      } else this.#agree(token)
    }
    if (rest.length < this.#symmetric.tagBytes) {
      throw this.#truncated(message, message.length - rest.length + this.#symmetric.tagBytes)
    }
    return this.#decrypt(rest, 'payload')
  }

  /** The keys of the connection, after the last message. */
  split(): { send: CipherState; receive: CipherState } {
    if (this.#sequence < MESSAGES.length) throw this.#outOfTurn()
    const [fromInitiator, fromResponder] = this.#symmetric.split()
    this.wipe()
    return this.#role === 'initiator'
      ? { send: fromInitiator, receive: fromResponder }
      : { send: fromResponder, receive: fromInitiator }
  }

  /** Overwrites all secrets but the static key, which outlives the handshake. */
  wipe(): void {
    this.#symmetric.wipe()
    this.#crypto.wipe(this.#ephemeral.privateKey)
  }

  /** `evenFor` is who may make this call at an even message. */
  #nextTokens(evenFor: Role): readonly Token[] {
    const tokens = MESSAGES[this.#sequence]
    const isOurTurn = (this.#sequence % 2 === 0) === (this.#role === evenFor)
    if (tokens === undefined || !isOurTurn) throw this.#outOfTurn()
    this.#sequence++
    return tokens
  }

  /** A Diffie-Hellman agreement. The first letter of a token is the initiator's key, the second the responder's. */
  #agree(token: Agreement): void {
    const [ours, theirs] = this.#role === 'initiator' ? [token[0], token[1]] : [token[1], token[0]]
    const own = ours === 'e' ? this.#ephemeral : this.#static
    const remote = theirs === 'e' ? this.#remoteEphemeral : this.#remoteStatic
    if (remote === undefined) throw this.#outOfTurn()
    this.#symmetric.mixKey(this.#sharedSecret(own.privateKey, remote, token))
  }

  /** Noise §12.1 lets an implementation refuse keys that lead to zeros. */
  #sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array, token: Agreement): Uint8Array {
    let secret: Uint8Array
    try {
      secret = this.#crypto.sharedSecret(privateKey, publicKey)
    } catch (cause) {
      throw this.#weak(token, { cause })
    }
    // Looks at all bytes, whatever they are: a secret is not to be told by time.
    if (secret.reduce((seen, byte) => seen | byte, 0) === 0) throw this.#weak(token)
    return secret
  }

  #decrypt(ciphertext: Uint8Array, what: string): Uint8Array {
    const plaintext = this.#symmetric.decryptAndHash(ciphertext)
    if (plaintext === undefined) {
      throw new NoiseHandshakeError('forged', `the ${what} of message ${this.#sequence} does not decrypt`)
    }
    return plaintext
  }

  #weak(token: Agreement, options?: ErrorOptions): NoiseHandshakeError {
    const message = `the keys of ${token} in message ${this.#sequence} agree on no secret`
    return new NoiseHandshakeError('weak-key', message, options)
  }

  #truncated(message: Uint8Array, needed: number): NoiseHandshakeError {
    const came = `message ${this.#sequence} has ${message.length} bytes`
    return new NoiseHandshakeError('truncated', `${came}, and at least ${needed} are needed`)
  }

  #outOfTurn(): TypeError {
    return new TypeError(`The ${this.#role} cannot do that after message ${this.#sequence}`)
  }
}
