import type { PeerId } from '@libp2p/interface'
import { Availability } from './availability.ts'
import { type HealthChange, HealthScore } from './health-score.ts'
import type { PeerHealth, PingRecord } from './index.ts'
import { LatencyStats } from './latency-stats.ts'
import type { HealthOptions } from './options.ts'
import { Ring } from './ring.ts'

/** All that is measured of one peer. Times are readings of `performance.now()`. */
export class PeerVitals {
  readonly peer: PeerId
  isLinked = true
  /** Its link is being closed. */
  isClosing = false
  readonly #score: HealthScore
  readonly #latency: LatencyStats
  readonly #availability: Availability
  readonly #history: Ring<PingRecord>
  #pings = 0
  #failuresInRow = 0
  #seenAtMs: number
  #messagesIn = 0

  constructor(peer: PeerId, options: HealthOptions, nowMs: number) {
    this.peer = peer
    this.#score = new HealthScore(options.score)
    this.#latency = new LatencyStats(options.latencyWindow)
    this.#availability = new Availability(options.availabilityWindowMs)
    this.#history = new Ring(options.historySize)
    this.#seenAtMs = nowMs
  }

  get score(): number {
    return this.#score.value
  }

  get isHealthy(): boolean {
    return this.#score.isHealthy
  }

  /** A ping was answered, or was not: before that nothing is known. */
  get isMeasured(): boolean {
    return this.#pings > 0
  }

  get latencyMs(): number | undefined {
    return this.#latency.smoothedMs
  }

  answered(latencyMs: number, nowMs: number): HealthChange {
    this.seen(nowMs)
    this.#latency.add(latencyMs)
    this.#availability.add(true, nowMs)
    this.#failuresInRow = 0
    const change = this.#score.success()
    this.#note({ latencyMs, failure: undefined })
    return change
  }

  /** Counts the part `weight` of a failure against the score, and all of it elsewhere. */
  unanswered(failure: string, weight: number, nowMs: number): HealthChange {
    this.#availability.add(false, nowMs)
    this.#failuresInRow += 1
    const change = this.#score.failure(weight)
    this.#note({ latencyMs: undefined, failure })
    return change
  }

  seen(nowMs: number): void {
    this.#seenAtMs = nowMs
  }

  /** Takes the number of messages that came in all; the peer was seen if there are new ones. */
  noteMessages(messagesIn: number, nowMs: number): void {
    if (messagesIn > this.#messagesIn) this.seen(nowMs)
    // The count begins again when the registry has forgotten the peer.
    this.#messagesIn = messagesIn
  }

  unseenMs(nowMs: number): number {
    return Math.max(nowMs - this.#seenAtMs, 0)
  }

  history(): PingRecord[] {
    return this.#history.toArray()
  }

  health(nowMs: number): PeerHealth {
    return {
      peer: this.peer,
      score: this.score,
      isHealthy: this.isHealthy,
      isLinked: this.isLinked,
      latency: this.#latency.summary(),
      availability: this.#availability.share(nowMs),
      pings: this.#pings,
      failuresInRow: this.#failuresInRow,
      unseenMs: this.unseenMs(nowMs),
    }
  }

  #note(result: Pick<PingRecord, 'latencyMs' | 'failure'>): void {
    this.#pings += 1
    this.#history.push({ atMs: Date.now(), ...result, score: this.score })
  }
}
