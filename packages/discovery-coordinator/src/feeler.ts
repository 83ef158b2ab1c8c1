import type { Candidate } from '@gridmesh/interfaces'
import type { Logger } from '@libp2p/interface'
import type { Census } from './census.ts'
import { type Dialler, judgeFailure } from './dialler.ts'
import type { Strategy } from './strategy.ts'
import type { DialOutcome } from './tally.ts'

/** Whom the feeler tells. */
export interface FeelerListener {
  /** May there be one now? */
  isTime(): boolean
  /** On success the one address of the candidate is where it answered. */
  onFelt(candidate: Candidate, outcome: DialOutcome): void
}

/** Now and then tests one peer that a strategy would like to know of, and keeps no connection to it. */
export class Feeler {
  readonly #intervalMs: number
  readonly #strategies: readonly Strategy[]
  readonly #dialler: Dialler
  readonly #census: Census
  readonly #listener: FeelerListener
  readonly #log: Logger
  #timer: ReturnType<typeof setInterval> | undefined
  #running: Promise<void> | undefined
  #testing: string | undefined

  constructor(
    intervalMs: number,
    strategies: readonly Strategy[],
    parts: { dialler: Dialler; census: Census; log: Logger },
    listener: FeelerListener,
  ) {
    this.#intervalMs = intervalMs
    this.#strategies = strategies
    this.#dialler = parts.dialler
    this.#census = parts.census
    this.#log = parts.log
    this.#listener = listener
  }

  /** Whether a connection to the peer may be the feeler's. */
  isTesting(peer: string): boolean {
    return this.#testing === peer
  }

  start(signal: AbortSignal): void {
    this.#timer ??= setInterval(() => this.#tick(signal), this.#intervalMs)
  }

  /** Resolves when the test under way is over. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#running
  }

  #tick(signal: AbortSignal): void {
    if (this.#running !== undefined || !this.#listener.isTime()) return
    this.#running = this.#feel(signal)
      .catch((err) => this.#log.error('a feeler failed - %e', err))
      .finally(() => (this.#running = undefined))
  }

  async #feel(signal: AbortSignal): Promise<void> {
    const candidate = this.#next()
    if (candidate === undefined || this.#census.isBarred(candidate.id)) return
    if (this.#census.isLinked(candidate.id)) {
      // It is known to be there without a test, and of our network once it counts; only a link that we dialled proves where.
      const address = this.#census.counts(candidate.id) ? this.#census.dialled(candidate.id)?.remoteAddr : undefined
      if (address !== undefined) this.#listener.onFelt({ ...candidate, addresses: [address] }, 'succeeded')
      return
    }
    this.#testing = candidate.id.toString()
    try {
      const address = await this.#dialler.probe(candidate, signal)
      this.#listener.onFelt({ ...candidate, addresses: [address] }, 'succeeded')
    } catch (err) {
      this.#log.trace('a feeler did not reach %p - %e', candidate.id, err)
      this.#listener.onFelt(candidate, signal.aborted ? 'neutral' : judgeFailure(err))
    } finally {
      this.#testing = undefined
    }
  }

  #next(): Candidate | undefined {
    for (const strategy of this.#strategies) {
      const candidate = strategy.feeler?.()
      if (candidate !== undefined) return candidate
    }
    return undefined
  }
}
