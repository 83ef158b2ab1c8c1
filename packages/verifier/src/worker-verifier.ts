import { type SignatureClaim, verifySignature } from '@gridmesh/ledger'
import { raceSignal } from 'race-signal'
import { bytesOf } from './claim-batch.ts'
import { TooManyClaimsError, VerifierStoppedError } from './errors.ts'
import type { Verifier, VerifierStats, VerifyOptions } from './index.ts'
import type { VerifierOptions } from './options.ts'

/** Those who check. */
export interface Workers {
  /** Says of each claim, in order, whether its signature holds. Rejects where a worker died. */
  check(claims: readonly SignatureClaim[]): Promise<boolean[]>
  stop(): Promise<void>
}

/** Cuts calls into batches, has them checked, and puts the answers in order. */
export class WorkerVerifier implements Verifier {
  readonly #workers: Workers
  readonly #options: VerifierOptions
  readonly #stopped = new AbortController()
  #claims = 0
  #bytes = 0
  #checked = 0
  #fallbacks = 0

  constructor(workers: Workers, options: VerifierOptions) {
    this.#workers = workers
    this.#options = options
  }

  async verify(claims: readonly SignatureClaim[], { signal }: VerifyOptions = {}): Promise<boolean[]> {
    this.#stopped.signal.throwIfAborted()
    signal?.throwIfAborted()
    const bytes = bytesOf(claims)
    this.#demandRoom(claims.length, bytes)
    this.#claims += claims.length
    this.#bytes += bytes
    const work = this.#checkAll(claims).finally(() => {
      this.#claims -= claims.length
      this.#bytes -= bytes
    })
    const stopped = this.#stopped.signal
    return raceSignal(work, signal === undefined ? stopped : AbortSignal.any([stopped, signal]))
  }

  stats(): VerifierStats {
    return { claims: this.#claims, bytes: this.#bytes, checked: this.#checked, fallbacks: this.#fallbacks }
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new VerifierStoppedError())
    await this.#workers.stop()
  }

  async #checkAll(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    const { threads, batchSize, minBatchSize } = this.#options
    const size = Math.min(Math.max(Math.ceil(claims.length / threads), minBatchSize), batchSize)
    const batches: Promise<boolean[]>[] = []
    for (let at = 0; at < claims.length; at += size) batches.push(this.#check(claims.slice(at, at + size)))
    return (await Promise.all(batches)).flat()
  }

  async #check(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    const holds = await this.#workers.check(claims).catch((err: unknown) => {
      // Of a stopped verifier nobody waits for an answer.
      if (this.#stopped.signal.aborted) throw err
      this.#fallbacks += claims.length
      return claims.map(verifySignature)
    })
    this.#checked += claims.length
    return holds
  }

  #demandRoom(claims: number, bytes: number): void {
    const { maxClaims, maxBytes } = this.#options
    const [allClaims, allBytes] = [this.#claims + claims, this.#bytes + bytes]
    if (allClaims > maxClaims) throw new TooManyClaimsError('maxClaims', maxClaims, allClaims)
    if (allBytes > maxBytes) throw new TooManyClaimsError('maxBytes', maxBytes, allBytes)
  }
}
