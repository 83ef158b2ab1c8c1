import { type SignatureClaim, verifySignature } from '@gridmesh/ledger'
import { VerifyFailedError } from './errors.ts'

/** Says of each signature, in order, whether it holds: a pool of workers, or libsodium here. */
export type VerifyClaims = (
  claims: readonly SignatureClaim[],
  options: { signal: AbortSignal },
) => Promise<readonly boolean[]>

/** How signatures are checked. */
export interface VerifierLimits {
  /** Time that one call may take, in ms. */
  readonly verifyDeadlineMs: number
}

/** Checks signatures one after the other, on the event loop. */
export const verifyHere: VerifyClaims = async (claims) => Promise.resolve(claims.map(verifySignature))

/** Asks the port, and for no longer than it may take. Whoever checks cuts what it is given into batches. */
export class Verifier {
  readonly #verify: VerifyClaims
  readonly #limits: VerifierLimits
  readonly #closing = new AbortController()

  constructor(verify: VerifyClaims, limits: VerifierLimits) {
    this.#verify = verify
    this.#limits = limits
  }

  /** @throws {VerifyFailedError} when the port fails, is late, or gives no answer for one of them */
  async verify(claims: readonly SignatureClaim[]): Promise<readonly boolean[]> {
    return claims.length === 0 ? [] : this.#ask(claims)
  }

  /** Gives up what is under way, and whatever comes. */
  close(): void {
    this.#closing.abort()
  }

  async #ask(claims: readonly SignatureClaim[]): Promise<readonly boolean[]> {
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const giveUp = (why: string): void => {
      controller.abort()
      reject(new VerifyFailedError(why))
    }
    const { verifyDeadlineMs } = this.#limits
    const onClose = (): void => giveUp('the chain is stopped')
    const timer = setTimeout(() => giveUp(`no answer within ${verifyDeadlineMs} ms`), verifyDeadlineMs)
    this.#closing.signal.addEventListener('abort', onClose, { once: true })
    try {
      if (this.#closing.signal.aborted) onClose()
      return await Promise.race([promise, this.#call(claims, controller.signal)])
    } finally {
      clearTimeout(timer)
      this.#closing.signal.removeEventListener('abort', onClose)
    }
  }

  async #call(claims: readonly SignatureClaim[], signal: AbortSignal): Promise<readonly boolean[]> {
    let answers: readonly boolean[]
    try {
      signal.throwIfAborted()
      answers = await this.#verify(claims, { signal })
    } catch (cause) {
      throw new VerifyFailedError(cause instanceof Error ? cause.message : String(cause), { cause })
    }
    if (answers.length === claims.length) return answers
    throw new VerifyFailedError(`${answers.length} answers for ${claims.length} signatures`)
  }
}
