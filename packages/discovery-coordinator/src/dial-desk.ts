import type { DiscoveryNeed } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { BackoffTable } from './backoff-table.ts'
import type { CandidatePool, PooledCandidate } from './candidate-pool.ts'
import type { Census, EndedLink } from './census.ts'
import { MAX_CANDIDATE_FAILURES } from './constants.ts'
import { type Dialler, judgeFailure } from './dialler.ts'
import type { HostBackoff } from './host-backoff.ts'
import { fitOf, rankCandidates } from './rank-candidates.ts'
import type { DialOutcome } from './tally.ts'

/** What the desk works with. */
export interface DeskParts {
  dialler: Dialler
  pool: CandidatePool
  census: Census
  backoff: BackoffTable
  hosts: HostBackoff
  log: Logger
}

/** Limits of the desk. */
export interface DeskInit {
  /** Dials at once. */
  concurrency: number
  /** Longest wait of a candidate from the configuration while we are alone, in ms. */
  aloneBackoffMs: number
  /** Time a link has to last for the backoff of its peer to begin anew, in ms. */
  stableMs: number
}

/** Dials that a round may make. */
export interface Quota {
  /** For peers of any sort. */
  any: number
  /** For needed ones beyond those. */
  needed: number
}

/**
 * How to dial a candidate.
 *
 * - `keep`: the connection stays
 * - `trial`: it is ended, unless the peer turns out to be needed
 */
type Manner = 'keep' | 'trial'

/** Whom the desk tells. */
export interface DeskListener {
  onDial(candidate: PooledCandidate): void
  onDialled(candidate: PooledCandidate, outcome: DialOutcome): void
}

/** Dials candidates: so many a round, so many at once, the best first. */
export class DialDesk {
  readonly #parts: DeskParts
  readonly #init: DeskInit
  readonly #listener: DeskListener
  readonly #inFlight = new Map<string, Promise<void>>()
  /** Peers that are named in the configuration, and did not stay the last time. */
  readonly #flighty = new Set<string>()
  #quota: Quota = { any: 0, needed: 0 }
  #trials = 0
  #need: readonly DiscoveryNeed[] = []

  constructor(parts: DeskParts, init: DeskInit, listener: DeskListener) {
    this.#parts = parts
    this.#init = init
    this.#listener = listener
  }

  /** Dials under way. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Begins a round of so many dials; what the last one left undone is forgotten. */
  open(quota: Quota, need: readonly DiscoveryNeed[], signal: AbortSignal): void {
    this.#quota = this.#left(quota)
    this.#need = need
    this.fill(signal)
  }

  /** Makes do with fewer dials for the rest of the round. */
  restrict(quota: Quota): void {
    const { any, needed } = this.#left(quota)
    this.#quota = { any: Math.min(this.#quota.any, any), needed: Math.min(this.#quota.needed, needed) }
  }

  /** Starts dials while the round has some left and there is room. */
  fill(signal: AbortSignal): void {
    if (!this.#hasRoom() || signal.aborted) return
    for (const candidate of this.#ranked()) {
      if (!this.#hasRoom()) return
      // The dials that were just started may have taken its hosts.
      if (!this.#parts.hosts.isFree(candidate)) continue
      const manner = this.#take(candidate)
      if (manner !== undefined) this.#start(candidate, manner, signal)
    }
  }

  /** A link is over: the wait of its peer goes on, unless that stayed for long, or made room. */
  parted(key: string, { lastedMs, madeRoom }: EndedLink): void {
    const { backoff, pool } = this.#parts
    const isStable = lastedMs >= this.#init.stableMs
    // Whoever is back at once only takes the slot of the next idle peer.
    if (madeRoom) backoff.rest(key)
    else if (isStable) backoff.forget(key)
    if (isStable) this.#flighty.delete(key)
    else if (pool.get(key)?.isFallback === true) this.#flighty.add(key)
  }

  /** No peer is left: those that are named in the configuration are not waited for any more. */
  recallFallbacks(): void {
    const { backoff, pool } = this.#parts
    for (const { key, isFallback } of pool.list()) {
      // One that comes and goes leaves us alone each time, and would be dialled each second.
      if (isFallback && !this.#flighty.has(key)) backoff.forget(key)
    }
  }

  /** Candidates that could be dialled now. */
  free(): PooledCandidate[] {
    const { pool, census, backoff, hosts } = this.#parts
    const linked = census.linked()
    const capMs = linked.size === 0 ? this.#init.aloneBackoffMs : Infinity
    return pool.list().filter((candidate) => {
      const { id, key, isFallback } = candidate
      if (linked.has(key) || this.#inFlight.has(key) || census.isBarred(id)) return false
      return backoff.isOver(key, isFallback ? capMs : Infinity) && hosts.isFree(candidate)
    })
  }

  /** Ends the round, and resolves when the dials under way are over. */
  async close(): Promise<void> {
    this.#quota = { any: 0, needed: 0 }
    this.#flighty.clear()
    await Promise.all(this.#inFlight.values())
  }

  /** A dial under way is part of what the round needs. */
  #left({ any, needed }: Quota): Quota {
    const surplus = Math.max(0, this.#inFlight.size - any)
    return { any: Math.max(0, any - this.#inFlight.size), needed: Math.max(0, needed - surplus) }
  }

  #hasRoom(): boolean {
    return this.#quota.any + this.#quota.needed > 0 && this.#inFlight.size < this.#init.concurrency
  }

  /** Takes a dial of the quota for a candidate, if there is one of the sort. */
  #take(candidate: PooledCandidate): Manner | undefined {
    if (this.#quota.any > 0) {
      this.#quota.any--
      return 'keep'
    }
    const fit = fitOf(candidate, this.#need)
    // Who is not known to be needed is not kept beyond the target, and one after the other is asked who it is.
    const isTrial = fit === 'maybe' && this.#trials === 0 && this.#parts.census.hasHandshake()
    if (fit !== 'yes' && !isTrial) return undefined
    this.#quota.needed--
    return isTrial ? 'trial' : 'keep'
  }

  #ranked(): PooledCandidate[] {
    const { pool, census, backoff } = this.#parts
    const crowd = census.crowd()
    for (const key of this.#inFlight.keys()) {
      const group = pool.get(key)?.group
      if (group !== undefined) crowd.set(group, (crowd.get(group) ?? 0) + 1)
    }
    return rankCandidates(this.free(), { need: this.#need, crowd, attempts: (key) => backoff.attempts(key) })
  }

  #start(candidate: PooledCandidate, manner: Manner, signal: AbortSignal): void {
    if (manner === 'trial') this.#trials++
    this.#parts.backoff.attempt(candidate.key)
    this.#listener.onDial(candidate)
    const dial = this.#dial(candidate, manner, signal)
      .catch((err) => this.#parts.log.error('could not take in how a dial ended - %e', err))
      .finally(() => {
        this.#inFlight.delete(candidate.key)
        if (manner === 'trial') this.#trials--
        this.fill(signal)
      })
    this.#inFlight.set(candidate.key, dial)
  }

  async #dial(candidate: PooledCandidate, manner: Manner, signal: AbortSignal): Promise<void> {
    const outcome = await this.#attempt(candidate, manner, signal)
    if (outcome === 'failed') this.#letGo(candidate.id)
    this.#listener.onDialled(candidate, outcome)
  }

  async #attempt(candidate: PooledCandidate, manner: Manner, signal: AbortSignal): Promise<DialOutcome> {
    const { dialler, hosts, pool } = this.#parts
    try {
      if (manner === 'trial') {
        const [turn = candidate] = hosts.turns(candidate)
        hosts.reached(candidate, await dialler.probe(turn, signal))
        // It has said by now who it is.
        const tried = pool.get(candidate.key)
        if (tried === undefined || fitOf(tried, this.#need) !== 'yes') return 'succeeded'
      }
      const { remoteAddr } = await dialler.dial(hosts.turns(candidate), signal)
      hosts.reached(candidate, remoteAddr)
      return 'succeeded'
    } catch (err) {
      this.#parts.log.trace('could not dial %p - %e', candidate.id, err)
      return signal.aborted ? 'neutral' : judgeFailure(err)
    }
  }

  /** A candidate that fails again and again makes room, though a strategy may bring it back; its wait goes on. */
  #letGo(peer: PeerId): void {
    const { pool, backoff } = this.#parts
    const key = peer.toString()
    if (pool.get(key)?.isFallback === false && backoff.attempts(key) >= MAX_CANDIDATE_FAILURES) pool.delete(key)
  }
}
