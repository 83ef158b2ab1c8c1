import type { BlockSync, SyncPeers, SyncStatus } from '@gridmesh/block-sync'
import type { EnergyChain } from '../chain/energy-chain.ts'

/** Time for which runs that bring nothing may keep us from making blocks, in ms. */
const PATIENCE_MS = 5_000
/** Time in which all of it comes back, in ms. */
const RECOVERY_MS = 60_000
/** Time for which one of several authorities waits, after its start, to have what its peers have, in ms. */
const WAITING_MS = 10_000

/**
 * Whether this node has caught up, as far as it knows. It has not while a sync brings what was missing: blocks that are
 * not of the last seconds, or pieces of a state. A run that brings nothing may be one that somebody began by claiming what
 * there is not, as often as one likes: all of these together keep an authority silent for 5 s, and 5 s more in each minute.
 *
 * Nor has it, where there are several authorities, until it has once been as high as all peers that have said where they
 * stand, or 10 s have passed: one whose directory was restored does not know what it has signed, and would sign at those
 * heights again, were it a single one.
 */
export class Readiness {
  readonly #sync: ReadinessSync
  readonly #chain: ReadinessChain
  readonly #peers: Pick<SyncPeers, 'peers'>
  /** Below 0 where somebody looked too late: that has to come back, too. */
  #patienceMs = PATIENCE_MS
  #lookedMs = performance.now()
  #isReady = true
  #isInformed = false
  /** Until then it waits to have what its peers have. */
  #waitsUntilMs = Infinity

  /** Listens to the sync and the chain for as long as they are there. */
  constructor(sync: ReadinessSync, chain: ReadinessChain, peers: Pick<SyncPeers, 'peers'>) {
    this.#sync = sync
    this.#chain = chain
    this.#peers = peers
    chain.addEventListener('chain:block', ({ detail: { header } }) => {
      // One of the last seconds comes to those who have caught up.
      if (Date.now() - header.timeMs >= PATIENCE_MS) this.#renew()
    })
    sync.addEventListener('sync:progress', () => {
      if (sync.status().phase === 'checkpoint') this.#renew()
    })
    // What comes after a run is not held against the next one.
    for (const end of ['sync:done', 'sync:failed'] as const) sync.addEventListener(end, () => void this.#isUpToDate())
  }

  /** Begins to wait for what its peers have. */
  start(): void {
    this.#waitsUntilMs = performance.now() + WAITING_MS
  }

  isReady(): boolean {
    // Both look: a run is not to gain by who was not heard yet.
    const isUpToDate = this.#isUpToDate()
    if (this.#chain.consensus.head().authorities.length < 2) return isUpToDate
    this.#isInformed ||= this.#hasReachedPeers() || performance.now() >= this.#waitsUntilMs
    return this.#isInformed && isUpToDate
  }

  /** What was missing has come: the time before it is not held against the run, whoever looked meanwhile or did not. */
  #renew(): void {
    this.#patienceMs = PATIENCE_MS
    this.#lookedMs = performance.now()
  }

  #hasReachedPeers(): boolean {
    const { height } = this.#chain.consensus.head().header
    const peers = this.#peers.peers()
    const isBehind = peers.some(({ tip }) => tip.height > height)
    // By itself it begins for more blocks only. It never rejects.
    if (isBehind) void this.#sync.sync()
    return peers.length > 0 && !isBehind
  }

  #isUpToDate(): boolean {
    const nowMs = performance.now()
    const passedMs = nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    const gainedMs = this.#isReady ? (passedMs * PATIENCE_MS) / RECOVERY_MS : -passedMs
    this.#patienceMs = Math.min(PATIENCE_MS, this.#patienceMs + gainedMs)
    const { phase } = this.#sync.status()
    this.#isReady = phase === 'idle' || phase === 'history' || this.#patienceMs <= 0
    return this.#isReady
  }
}

/** What is seen of a chain. */
interface ReadinessChain extends Pick<EnergyChain, 'addEventListener'> {
  readonly consensus: { head(): { readonly authorities: readonly string[]; readonly header: { height: number } } }
}

/** What is seen and asked of a sync. */
interface ReadinessSync extends Pick<BlockSync, 'addEventListener' | 'sync'> {
  status(): Pick<SyncStatus, 'phase'>
}
