import type { PeerReport, Reason, ReportClass } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { BanKeeper } from './ban-keeper.ts'
import type { Departures } from './departures.ts'
import type { Sentence } from './judge.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { PeerManagerMetrics } from './metrics.ts'
import { SHORTEST_BAN_MS } from './offences.ts'
import type { PeerManagerOptions } from './options.ts'
import type { PeerBook } from './peer-book.ts'
import type { PeerSaver } from './peer-saver.ts'
import { type BanLimit, hasLowReputation } from './reasons.ts'
import { ReportDesk, type TakenReport } from './report-desk.ts'

/** What the enforcer works with. */
export interface EnforcerParts {
  readonly options: PeerManagerOptions
  readonly book: PeerBook
  readonly links: LinkKeeper
  readonly bans: BanKeeper
  readonly departures: Departures
  readonly saver: PeerSaver
  readonly metrics: PeerManagerMetrics
  readonly log: Logger
  /** How late our own timers are, 1 when on time. */
  readonly readLagFactor: () => number
  /** Whether peers become ready at all; where they do not, connected ones are the links to protect. */
  readonly hasHandshake: () => boolean
}

/**
 * Turns reports into reputation, and reputation into disconnects and bans. All of it happens at the end of a tick, so
 * that a caller of `report` never finds the peer gone below its feet.
 */
export class Enforcer {
  readonly #parts: EnforcerParts
  readonly #desk: ReportDesk
  #running: AbortSignal | undefined
  #tickTimer: ReturnType<typeof setTimeout> | undefined

  constructor(parts: EnforcerParts) {
    this.#parts = parts
    this.#desk = new ReportDesk(parts.book, parts.options, parts.readLagFactor)
  }

  /** Reports taken so far, by class. */
  get reportCounts(): Record<ReportClass, number> {
    return this.#desk.counts
  }

  /** Begins to act; peers are parted from until `signal` aborts. */
  start(signal: AbortSignal): void {
    this.#running = signal
    if (this.#desk.isPending) this.#schedule()
  }

  /** Settles what was reported so far, and acts no more. Bans still count; parting is up to whoever stops the node. */
  stop(): void {
    this.#running = undefined
    clearTimeout(this.#tickTimer)
    this.#tickTimer = undefined
    this.#endTick()
  }

  /** Takes a report. Returns what it comes to, or `undefined` for a class that there is not. */
  report(peer: PeerId, report: PeerReport): TakenReport | undefined {
    const taken = this.#desk.take(peer, report)
    if (taken === undefined) return undefined
    this.#parts.metrics.report(report.class)
    this.#schedule()
    return taken
  }

  /** Judges a linked peer anew at the end of the tick, where its reputation calls for it. */
  review(key: string): void {
    if (this.#parts.book.reputation(key) > this.#parts.options.disconnectReputation) return
    this.#desk.watch(key)
    this.#schedule()
  }

  /** Judges all linked peers anew: the floor may have spared some while links were short. */
  reviewAll(): void {
    for (const { id } of this.#parts.book.inStates('connected', 'ready')) this.review(id.toString())
  }

  /** As `part`, for callers that do not wait. */
  partSoon(peer: PeerId, reason: Reason): void {
    this.#inBackground(this.part(peer, reason))
  }

  /** Bans a peer, stores that at once, and parts from it. */
  async ban(peer: PeerId, reason: string, durationMs: number, limit: BanLimit): Promise<void> {
    const leaving = this.part(peer, this.#parts.bans.impose(peer, reason, durationMs, limit))
    await Promise.all([this.#parts.saver.save(peer.toString()), leaving])
  }

  /** Says goodbye to a peer and closes its connections, if it has any. Never rejects. */
  async part(peer: PeerId, reason: Reason, signal?: AbortSignal): Promise<void> {
    if (this.#running === undefined) return
    const key = peer.toString()
    this.#parts.links.sync(peer)
    if (!this.#parts.links.isLinked(key)) return
    this.#parts.links.drain(key, { reason, by: 'us' })
    await this.#parts.departures.leave(peer, reason, [signal, this.#running])
  }

  #schedule(): void {
    if (this.#running === undefined) return
    this.#tickTimer ??= setTimeout(() => {
      this.#tickTimer = undefined
      this.#endTick()
    }, 0)
  }

  // Runs in a timer, where an error of a metrics or a sibling would end the process.
  #endTick(): void {
    try {
      this.#judge()
    } catch (err) {
      this.#parts.log.error('could not settle the reports of a tick - %e', err)
    }
  }

  #judge(): void {
    const { book } = this.#parts
    const protectedStates = this.#parts.hasHandshake() ? (['ready'] as const) : (['connected', 'ready'] as const)
    const links = new Set(book.inStates(...protectedStates).map(({ id }) => id.toString()))
    for (const sentence of this.#desk.settle(links.size, (key) => links.has(key))) this.#execute(sentence)
  }

  #execute({ key, action, isProvenOnly }: Sentence): void {
    const { book, options } = this.#parts
    const record = book.peek(key)
    if (record === undefined) return
    if (action === 'disconnect') {
      const reason = hasLowReputation(record.reputation, 'disconnectReputation', options)
      if (record.state !== 'banned') this.partSoon(record.id, reason)
      return
    }
    const banMs = book.gravestBanMs(key, isProvenOnly)
    // What is reported of a banned peer may make its ban longer, never shorter, and not by every single report.
    const { bannedUntilMs } = record
    if (bannedUntilMs !== undefined && bannedUntilMs + SHORTEST_BAN_MS > book.now() + banMs) return
    this.#parts.metrics.ban('reputation')
    const { message, limit, value } = hasLowReputation(record.reputation, 'banReputation', options)
    this.#inBackground(this.ban(record.id, message, banMs, { limit, value }))
  }

  #inBackground(work: Promise<void>): void {
    work.catch((err: unknown) => this.#parts.log.error('could not part from a peer - %e', err))
  }
}
