import type { ChainTip } from '@gridmesh/interfaces'
import type { SyncOptions } from './options.ts'

/** Instead of the hash of a tip: whatever a peer claims. */
export const ANY = 'any'

/** What a run found of the claims of peers. */
export interface RunClaims {
  /** Those that nothing came of, by peer: a hash, or `ANY`. */
  readonly settled: ReadonlyMap<string, string>
  /** Ready peers that there was no room for. */
  readonly crowdedOut: ReadonlySet<string>
}

/** Of a run that did not come to look at peers. */
export const NO_CLAIMS: RunClaims = { settled: new Map(), crowdedOut: new Set() }

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

  /**
   * Takes note of the claims that a run made nothing of; gives the time to the next one. Of whom it had no room for, it
   * stands what earlier runs found: or those would have their turns without a wait, one after the other, for ever.
   */
  settle({ settled, crowdedOut }: RunClaims, isSynced: boolean, isFurther: boolean): number {
    // What came by another way meanwhile took nothing, and is nobody's fault.
    const isIdle = isSynced && ![...settled.values()].includes(ANY)
    if (isFurther) this.#inRow = 0
    else if (!isIdle) this.#inRow++
    const standing = [...this.#settled].filter(([id]) => crowdedOut.has(id))
    this.#settled = new Map([...standing, ...settled])
    const { retryMs, maxRetryMs } = this.#options
    return Math.min(maxRetryMs, retryMs * 2 ** Math.max(0, this.#inRow - 1))
  }

  /** The time is over: all claims are as good as new. */
  forget(): void {
    this.#settled = new Map()
  }
}
