import { LANES, optional, type Reason } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { HealthChange } from './health-score.ts'
import type { HealthMonitorComponents } from './index.ts'
import { LinkCloser } from './link-closer.ts'
import type { HealthMetrics } from './metrics.ts'
import type { HealthOptions } from './options.ts'
import { PeerTable } from './peer-table.ts'
import type { PeerVitals } from './peer-vitals.ts'
import type { PingOutcome } from './ping-outcome.ts'
import { PingSchedule } from './ping-schedule.ts'
import { Pinger } from './pinger.ts'

/** What the watch asks of the service, and tells it. */
export interface PeerWatchHooks {
  readLagFactor(): number
  onChange(change: NonNullable<HealthChange>, vitals: PeerVitals): void
  /** Before a goodbye is said, after which nobody would wait for the peer. */
  onClosing(peer: PeerId): void
  onClosed(peer: PeerId, reason: Reason): void
}

interface PeerWatchParts {
  readonly components: Pick<HealthMonitorComponents, 'connectionManager' | 'peerManager' | 'ping'>
  readonly options: HealthOptions
  readonly metrics: HealthMetrics
  readonly log: Logger
  readonly hooks: PeerWatchHooks
}

/** Pings the peers in turn, judges what comes back, and has dead links closed. */
export class PeerWatch {
  readonly table: PeerTable
  readonly #parts: PeerWatchParts
  readonly #schedule: PingSchedule
  readonly #pinger: Pinger
  readonly #closer: LinkCloser
  /** Peers that are due, the longest first. */
  readonly #waiting = new Set<string>()
  readonly #pings = new Map<string, Promise<void>>()
  readonly #closes = new Map<string, Promise<void>>()
  #stopped = AbortSignal.abort()

  constructor(parts: PeerWatchParts) {
    const { components, options, log } = parts
    this.#parts = parts
    this.table = new PeerTable(options)
    this.#schedule = new PingSchedule(options.pingIntervalMs)
    this.#pinger = new Pinger(components, options.pingDeadlineMs)
    this.#closer = new LinkCloser(components, options, log)
  }

  /** Pings from the next beat on, until `stopped` aborts. */
  start(stopped: AbortSignal): void {
    this.#stopped = stopped
  }

  /** Call it after the signal has aborted. Resolves when nothing is under way any more; keeps what was measured. */
  async stop(): Promise<void> {
    this.#waiting.clear()
    this.#schedule.clear()
    for (const [key] of this.table.allLinked()) this.table.unlink(key)
    await Promise.all([...this.#pings.values(), ...this.#closes.values()])
  }

  /** Looks who is there and who is due. */
  beat(): void {
    const nowMs = performance.now()
    const listed = this.#listPeers()
    for (const [key] of this.table.allLinked()) {
      if (!listed.has(key)) this.#unlink(key)
    }
    for (const [key, peer] of listed) {
      if (this.table.linked(key) !== undefined || !this.table.link(key, peer, nowMs)) continue
      this.#schedule.add(key, nowMs)
    }
    for (const key of this.#schedule.take(nowMs)) this.#waiting.add(key)
    this.#fill()
  }

  /** Forgets what was measured of a peer. A linked one is met anew at the next beat. */
  reset(key: string): boolean {
    const isKnown = this.table.get(key)?.isMeasured === true
    this.#unlink(key)
    this.table.delete(key)
    return isKnown
  }

  #unlink(key: string): void {
    this.table.unlink(key)
    this.#schedule.remove(key)
    this.#waiting.delete(key)
  }

  #listPeers(): Map<string, PeerId> {
    const { components } = this.#parts
    const manager = optional(components, 'peerManager')
    const peers =
      manager === undefined
        ? components.connectionManager.getConnections().map(({ remotePeer }) => remotePeer)
        : manager.select().map(({ id }) => id)
    return new Map(peers.map((peer) => [peer.toString(), peer]))
  }

  /** Starts pings while there is room. */
  #fill(): void {
    if (this.#stopped.aborted) return
    for (const key of this.#waiting) {
      if (this.#pings.size >= this.#parts.options.maxParallelPings) return
      // A peer that was reset while its ping was under way waits for the end of that.
      if (this.#pings.has(key)) continue
      this.#waiting.delete(key)
      const vitals = this.table.linked(key)
      if (vitals === undefined) continue
      if (vitals.isClosing) this.#schedule.next(key, performance.now())
      else this.#pings.set(key, this.#ping(key, vitals))
    }
  }

  async #ping(key: string, vitals: PeerVitals): Promise<void> {
    const stopped = this.#stopped
    const startedMs = performance.now()
    const outcome = await this.#pinger.ask(vitals.peer, stopped)
    this.#pings.delete(key)
    // What comes after the end, a hang-up or a reset is about nobody.
    if (!stopped.aborted && this.table.linked(key) === vitals) {
      this.#schedule.next(key, startedMs)
      try {
        this.#judge(key, vitals, outcome)
      } catch (err) {
        this.#parts.log.error('could not take the outcome of a ping of %p - %e', vitals.peer, err)
      }
    }
    this.#fill()
  }

  #judge(key: string, vitals: PeerVitals, outcome: PingOutcome): void {
    const { components, metrics, log, hooks } = this.#parts
    const nowMs = performance.now()
    const manager = optional(components, 'peerManager')
    const traffic = manager?.get(vitals.peer)?.traffic
    if (traffic !== undefined) {
      const messagesIn = LANES.reduce((sum, lane) => sum + traffic[lane].messagesIn, 0)
      vitals.noteMessages(messagesIn, nowMs)
    }
    metrics.ping(outcome)
    if (outcome.kind === 'unmeasured') {
      log.trace('%p was not measured: %s', vitals.peer, outcome.failure)
      return
    }
    if (outcome.kind === 'alive') {
      vitals.seen(nowMs)
      return
    }
    const change =
      outcome.kind === 'answered'
        ? vitals.answered(outcome.latencyMs, nowMs)
        : vitals.unanswered(outcome.failure, outcome.isTimeBased ? 1 / hooks.readLagFactor() : 1, nowMs)
    const { peer, score, latencyMs } = vitals
    const isNew = outcome.kind === 'answered' && latencyMs !== undefined
    manager?.updateHealth(peer, { score, ...(isNew && { latencyMs }) })
    if (change !== undefined) hooks.onChange(change, vitals)
    if (outcome.kind === 'unanswered') this.#blame(key, vitals, outcome.isViolation)
  }

  #blame(key: string, vitals: PeerVitals, isViolation: boolean): void {
    const manager = optional(this.#parts.components, 'peerManager')
    const { peer } = vitals
    if (isViolation) {
      manager?.report(peer, { class: 'protocol-violation', evidence: 'answered a ping with other bytes' })
    } else if (!vitals.isHealthy) {
      manager?.report(peer, { class: 'slow', evidence: `health ${Math.round(vitals.score)}: a ping was not answered` })
    }
    const unseenMs = vitals.unseenMs(performance.now())
    if (unseenMs >= this.#parts.options.maxUnseenMs) this.#closes.set(key, this.#close(key, vitals, unseenMs))
  }

  async #close(key: string, vitals: PeerVitals, unseenMs: number): Promise<void> {
    vitals.isClosing = true
    this.#parts.hooks.onClosing(vitals.peer)
    const reason = await this.#closer.close(vitals.peer, unseenMs, this.#stopped)
    vitals.isClosing = false
    this.#closes.delete(key)
    if (reason === undefined) return
    this.#parts.metrics.closed()
    this.#parts.hooks.onClosed(vitals.peer, reason)
  }
}
