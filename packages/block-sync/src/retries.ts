import type { ChainTip } from '@gridmesh/interfaces'
import type { SyncOptions } from './options.ts'

/** Instead of the hash of a tip: whatever a peer claims. */
export const ANY = 'any'

/**
 * When a run is worth it. After one that came to nothing the same claims are good for another one only after a time, which
 * doubles: so a peer that claims what there is not keeps nobody busy, and holds up nobody else.
 */
export class Retries {
  readonly #options: SyncOptions
  #settled: ReadonlyMap<string, string> = new Map()
  #inRow = 0

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /** Whether a claim is one that the newest runs made nothing of. */
  isSettled(id: string, { hash }: ChainTip): boolean {
    const settled = this.#settled.get(id)
    return settled === ANY || settled === hash
  }

  /** Takes note of the claims that a run made nothing of; gives the time to the next one. */
  settle(claims: ReadonlyMap<string, string>, isSynced: boolean, isFurther: boolean): number {
    // What came by another way meanwhile took nothing, and is nobody's fault.
    const isIdle = isSynced && ![...claims.values()].includes(ANY)
    if (isFurther) this.#inRow = 0
    else if (!isIdle) this.#inRow++
    this.#settled = claims
    const { retryMs, maxRetryMs } = this.#options
    return Math.min(maxRetryMs, retryMs * 2 ** Math.max(0, this.#inRow - 1))
  }

  /** The time is over: all claims are as good as new. */
  forget(): void {
    this.#settled = new Map()
  }
}
