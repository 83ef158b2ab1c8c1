import type { MaybePromise, Signer } from '@gridmesh/interfaces'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts'
import { SignerFailedError } from './errors.ts'
import { chain, isPromise } from './maybe-promise.ts'

/** A signer that another wrote: whatever it throws or gets wrong becomes a `SignerFailedError`. */
export class CheckedSigner implements Signer {
  readonly #signer: Signer

  constructor(signer: Signer) {
    this.#signer = signer
  }

  get publicKey(): Uint8Array {
    const { publicKey } = this.#signer
    if (publicKey.byteLength !== PUBLIC_KEY_BYTES) {
      throw new SignerFailedError(`its public key has ${publicKey.byteLength} bytes`)
    }
    return publicKey
  }

  sign(message: Uint8Array): MaybePromise<Uint8Array> {
    const signature = attempt('it could not sign', () => this.#signer.sign(message))
    return chain(signature, (made) => {
      if (made.byteLength === SIGNATURE_BYTES) return made
      throw new SignerFailedError(`its signature has ${made.byteLength} bytes`)
    })
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): MaybePromise<boolean> {
    return attempt('it could not verify', () => this.#signer.verify(publicKey, message, signature))
  }
}

function attempt<T>(what: string, call: () => MaybePromise<T>): MaybePromise<T> {
  const fail = (cause: unknown): never => {
    throw new SignerFailedError(what, { cause })
  }
  try {
    const result = call()
    return isPromise(result) ? result.catch(fail) : result
  } catch (err) {
    return fail(err)
  }
}
