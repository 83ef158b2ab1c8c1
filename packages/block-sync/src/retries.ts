import type { ChainTip } from '@gridmesh/interfaces'
import type { SyncOptions } from './options.ts'

/** Instead of the hash of a tip: whatever a peer claims. */
export const ANY = 'any'

/** What a run found against a peer: that it lied, which is proven; or else that nothing came of it. */
export type Doubt = 'lied' | 'fruitless'

/** What a run found of the claims of peers. */
export interface RunClaims {
  /** Those that nothing came of, by peer: a hash, or `ANY`. */
  readonly settled: ReadonlyMap<string, string>
  /** What was found against whom; not what stood from before. */
  readonly doubts: ReadonlyMap<string, Doubt>
  /** Ready peers that there was no room for. */
  readonly crowdedOut: ReadonlySet<string>
}

/** Of a run that did not come to look at peers. */
export const NO_CLAIMS: RunClaims = { settled: new Map(), doubts: new Map(), crowdedOut: new Set() }

/**
 * When a run is worth it. After one that came to nothing the same claims are good for another one only after a time, which
 * doubles: so a peer that claims what there is not keeps nobody busy, and holds up nobody else.
 */
export class Retries {
  readonly #options: SyncOptions
  #settled: ReadonlyMap<string, string> = new Map()
  /** Each with the reading of `performance.now()` at which it is over, the oldest first. */
  readonly #doubts = new Map<string, { doubt: Doubt; untilMs: number }>()
  #inRow = 0

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /** Whether a claim is one that the newest runs made nothing of. */
  isSettled(id: string, { hash }: ChainTip): boolean {
    const settled = this.#settled.get(id)
    return settled === ANY || settled === hash || this.doubtOf(id) === 'lied'
  }

  /**
   * What stands against a peer. It ends with the time that was due when a run found it, however many there were since: a run
   * that did not ask a peer says nothing of it.
   */
  doubtOf(id: string): Doubt | undefined {
    const { doubt, untilMs = 0 } = this.#doubts.get(id) ?? {}
    return performance.now() < untilMs ? doubt : undefined
  }

  /**
   * Takes note of the claims that a run made nothing of; gives the time to the next one. Of whom it had no room for, it
   * stands what earlier runs found: or those would have their turns without a wait, one after the other, for ever.
   */
  settle({ settled, doubts, crowdedOut }: RunClaims, isSynced: boolean, isFurther: boolean): number {
    // What came by another way meanwhile took nothing, and is nobody's fault.
    const isIdle = isSynced && doubts.size === 0
    if (isFurther) this.#inRow = 0
    else if (!isIdle) this.#inRow++
    const standing = [...this.#settled].filter(([id]) => crowdedOut.has(id))
    this.#settled = new Map([...standing, ...settled])
    for (const [id, claim] of settled) if (claim !== ANY) this.#doubts.delete(id)
    const { retryMs, maxRetryMs } = this.#options
    const delayMs = Math.min(maxRetryMs, retryMs * 2 ** Math.max(0, this.#inRow - 1))
    this.#doubt(doubts, performance.now() + delayMs)
    return delayMs
  }

  /** The time is over: all claims are as good as new. */
  forget(): void {
    this.#settled = new Map()
    this.#doubts.clear()
  }

  #doubt(doubts: RunClaims['doubts'], untilMs: number): void {
    for (const [id, doubt] of doubts) {
      this.#doubts.delete(id)
      this.#doubts.set(id, { doubt, untilMs })
    }
    // Ids are for the taking, and runs for newcomers begin at once.
    for (const id of this.#doubts.keys()) {
      if (this.#doubts.size <= this.#options.maxPeers) return
      this.#doubts.delete(id)
    }
  }
}
