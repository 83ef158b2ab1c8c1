import type { DiscoveryNeed } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { BackoffTable } from './backoff-table.ts'
import type { CandidatePool, PooledCandidate } from './candidate-pool.ts'
import type { Census } from './census.ts'
import { MAX_CANDIDATE_FAILURES } from './constants.ts'
import { type Dialler, judgeFailure } from './dialler.ts'
import { rankCandidates } from './rank-candidates.ts'
import type { DialOutcome } from './tally.ts'

/** What the desk works with. */
export interface DeskParts {
  dialler: Dialler
  pool: CandidatePool
  census: Census
  backoff: BackoffTable
  log: Logger
}

/** Limits of the desk. */
export interface DeskInit {
  /** Dials at once. */
  concurrency: number
  /** Longest wait of a candidate from the configuration while we are alone, in ms. */
  aloneBackoffMs: number
}

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
  #quota = 0
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

  /** Begins a round of at most `quota` dials; what the last one left undone is forgotten. */
  open(quota: number, need: readonly DiscoveryNeed[], signal: AbortSignal): void {
    // A dial under way is part of what the round needs.
    this.#quota = Math.max(0, quota - this.#inFlight.size)
    this.#need = need
    this.fill(signal)
  }

  /** Makes do with fewer dials for the rest of the round. */
  restrict(quota: number): void {
    this.#quota = Math.min(this.#quota, Math.max(0, quota - this.#inFlight.size))
  }

  /** Starts dials while the round has some left and there is room. */
  fill(signal: AbortSignal): void {
    const room = Math.min(this.#quota, this.#init.concurrency - this.#inFlight.size)
    if (room <= 0 || signal.aborted) return
    for (const candidate of this.#ranked().slice(0, room)) {
      this.#quota--
      this.#start(candidate, signal)
    }
  }

  /** Candidates that could be dialled now. */
  free(): PooledCandidate[] {
    const { pool, census, backoff } = this.#parts
    const linked = census.linked()
    const capMs = linked.size === 0 ? this.#init.aloneBackoffMs : Infinity
    return pool.list().filter(({ id, key, isFallback }) => {
      if (linked.has(key) || this.#inFlight.has(key) || census.isBarred(id)) return false
      return backoff.isOver(key, isFallback ? capMs : Infinity)
    })
  }

  /** Ends the round, and resolves when the dials under way are over. */
  async close(): Promise<void> {
    this.#quota = 0
    await Promise.all(this.#inFlight.values())
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

  #start(candidate: PooledCandidate, signal: AbortSignal): void {
    this.#parts.backoff.attempt(candidate.key)
    this.#listener.onDial(candidate)
    const dial = this.#dial(candidate, signal)
      .catch((err) => this.#parts.log.error('could not take in how a dial ended - %e', err))
      .finally(() => {
        this.#inFlight.delete(candidate.key)
        this.fill(signal)
      })
    this.#inFlight.set(candidate.key, dial)
  }

  async #dial(candidate: PooledCandidate, signal: AbortSignal): Promise<void> {
    const outcome = await this.#attempt(candidate, signal)
    if (outcome === 'failed') this.#letGo(candidate.id)
    this.#listener.onDialled(candidate, outcome)
  }

  async #attempt({ id, addresses }: PooledCandidate, signal: AbortSignal): Promise<DialOutcome> {
    try {
      await this.#parts.dialler.dial({ id, addresses }, signal)
      return 'succeeded'
    } catch (err) {
      this.#parts.log.trace('could not dial %p - %e', id, err)
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
