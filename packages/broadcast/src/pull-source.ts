import type { PeerId } from '@libp2p/interface'
import { MAX_SOURCE_FAILURES, MAX_SOURCE_PAUSE_MS, MAX_SOURCE_REFUSALS, MIN_SOURCE_PAUSE_MS } from './constants.ts'

/** A peer that one payload may be pulled from. */
export class PullSource {
  readonly peer: PeerId
  readonly key: string
  /** Requests under way. */
  requests = 0
  /** Its last request was answered, and in time. Until then it gets one at a time: an announcement proves nothing. */
  isProven = false
  #hasServed = false
  #failures = 0
  #failedAtMs = Number.NEGATIVE_INFINITY
  #refusals = 0
  #pausedUntilMs = 0

  constructor(peer: PeerId) {
    this.peer = peer
    this.key = peer.toString()
  }

  /** Time until it may be asked again, in ms; 0 or less when that is now. */
  pauseMs(): number {
    return this.#pausedUntilMs - performance.now()
  }

  /** It may be asked now. */
  get isIdle(): boolean {
    return (this.isProven || this.requests === 0) && this.pauseMs() <= 0
  }

  succeeded(): void {
    this.isProven = true
    this.#hasServed = true
    this.#failures = 0
    this.#refusals = 0
  }

  /** A request that was made at `askedAtMs` came to nothing. Returns whether the peer is worth another try. */
  failed(askedAtMs: number): boolean {
    this.isProven = false
    // Requests that were under way together fail together: that is one failure, not many.
    if (askedAtMs > this.#failedAtMs) {
      this.#failures += 1
      this.#failedAtMs = performance.now()
      this.#pause(MIN_SOURCE_PAUSE_MS * 2 ** this.#failures)
    }
    return this.#hasServed && this.#failures < MAX_SOURCE_FAILURES
  }

  /** It has no time for us. Returns whether it is worth another try. */
  refused(retryAfterMs: number): boolean {
    this.#refusals += 1
    this.#pause(retryAfterMs)
    return this.#refusals < MAX_SOURCE_REFUSALS
  }

  #pause(ms: number): void {
    const pauseMs = Math.min(Math.max(ms, MIN_SOURCE_PAUSE_MS), MAX_SOURCE_PAUSE_MS)
    this.#pausedUntilMs = performance.now() + pauseMs
  }
}
