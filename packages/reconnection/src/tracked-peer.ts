import type { PeerId } from '@libp2p/interface'
import { AddressMemory } from './address-memory.ts'
import { Backoff, type BackoffInit } from './backoff.ts'
import { CircuitBreaker, type CircuitBreakerInit } from './circuit-breaker.ts'
import { History } from './history.ts'
import type { HistoryEntry, PeerReconnection, PeerStatus } from './index.ts'
import type { Verdict } from './verdicts.ts'

/** What a tracked peer depends on. */
export interface TrackedPeerInit extends Required<BackoffInit>, Required<CircuitBreakerInit> {
  stableMs: number
  maxAddresses: number
}

/** One peer: where it stands, when it is tried next, and what came of it so far. Knows no network and no timer. */
export class TrackedPeer {
  readonly id: PeerId
  readonly key: string
  readonly addresses: AddressMemory
  readonly #stableMs: number
  readonly #backoff: Backoff
  readonly #breaker: CircuitBreaker
  readonly #history: History<HistoryEntry>
  isImportant = false
  /** What a goodbye, theirs or ours, said the next loss will be about. */
  farewell: Verdict | undefined
  #status: PeerStatus = 'waiting'
  #failures = 0
  #attempts = 0
  #dueAt: number
  #since: number

  constructor(id: PeerId, init: TrackedPeerInit) {
    this.id = id
    this.key = id.toString()
    this.addresses = new AddressMemory(init.maxAddresses)
    this.#stableMs = init.stableMs
    this.#backoff = new Backoff(init)
    this.#breaker = new CircuitBreaker(init)
    this.#history = new History(init.maxHistory)
    this.#since = performance.now()
    this.#dueAt = this.#since
  }

  get status(): PeerStatus {
    return this.#status
  }

  /** Failed attempts in a row. */
  get failures(): number {
    return this.#failures
  }

  /** Attempts since it was lost. */
  get attempts(): number {
    return this.#attempts
  }

  /** When it may be tried, on the clock of `performance.now()`; `Infinity` while it is not waiting. */
  get dueAt(): number {
    return this.#status === 'waiting' ? this.#dueAt : Infinity
  }

  /** Time since it was lost, or since it came back, in ms. */
  get standsForMs(): number {
    return performance.now() - this.#since
  }

  /** It is connected, and ready where there is a handshake. All failures are forgotten. */
  returned(): void {
    this.#failures = 0
    this.#attempts = 0
    this.farewell = undefined
    this.#breaker.succeed()
    this.#move('connected')
    this.#note('returned', { action: 'retry', reason: 'ready' })
  }

  /** Its last connection ended. */
  lost(verdict: Verdict): void {
    // A peer that never stays is tried ever more rarely, though every single attempt succeeds.
    if (this.standsForMs >= this.#stableMs) this.#backoff.reset()
    this.farewell = undefined
    this.#move('waiting')
    this.#note('lost', verdict)
    this.#schedule(verdict)
  }

  /** Why it was lost becomes known a moment later; too late once there was an attempt. */
  explainLoss(verdict: Verdict): void {
    if (this.#status !== 'waiting' || this.#attempts > 0) return
    this.#note('lost', verdict)
    this.#schedule(verdict)
  }

  /** Begins an attempt; `false` where the breaker does not let it. */
  begin(): boolean {
    if (!this.#breaker.tryBegin()) {
      this.#dueAt = performance.now() + Math.max(1, this.#breaker.retryAfterMs)
      return false
    }
    this.#attempts += 1
    this.#status = 'attempting'
    return true
  }

  /** The attempt failed. */
  failed(verdict: Verdict): void {
    this.#failures += 1
    this.#status = 'waiting'
    this.#breaker.fail()
    this.#note('failed', verdict)
    this.#schedule(verdict)
  }

  /** The attempt was called off; it counts neither way. */
  cancelled(): void {
    if (this.#status !== 'attempting') return
    this.#status = 'waiting'
    this.#attempts -= 1
    this.#breaker.cancel()
    this.#dueAt = performance.now()
  }

  /** There will be no more attempts, unless it comes back by itself. */
  gaveUp(verdict: Verdict): void {
    this.#move('given-up')
    this.#note('gave-up', verdict)
  }

  /** Forgets all failures and is due at once. */
  refresh(): void {
    if (this.#status !== 'waiting') return
    this.#failures = 0
    this.#backoff.reset()
    this.#breaker.succeed()
    this.#dueAt = performance.now()
  }

  /** All there is to know, as of now. */
  snapshot(): PeerReconnection {
    const { id, status, isImportant, failures, attempts } = this
    const inMs = status === 'waiting' ? Math.max(0, this.#dueAt - performance.now()) : undefined
    return {
      peer: id,
      status,
      isImportant,
      failures,
      attempts,
      ...(inMs !== undefined && { nextAttemptInMs: inMs }),
      breaker: this.#breaker.state,
      breakerHistory: this.#breaker.history,
      history: this.#history.entries,
    }
  }

  #schedule({ action }: Verdict): void {
    const delayMs = action === 'retry' ? this.#backoff.next() : this.#backoff.later()
    this.#dueAt = performance.now() + Math.max(delayMs, this.#breaker.retryAfterMs)
  }

  #move(to: PeerStatus): void {
    this.#status = to
    this.#since = performance.now()
  }

  #note(what: HistoryEntry['what'], { action, reason }: Verdict): void {
    this.#history.add({ atMs: Date.now(), what, action, reason })
  }
}
