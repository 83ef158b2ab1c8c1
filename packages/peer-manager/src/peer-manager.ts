import {
  type Hello,
  type Lane,
  optional,
  type Parting,
  type PeerQuery,
  type PeerReport,
  type PeerStats,
  type Reason,
  requireName,
} from '@gridmesh/interfaces'
import {
  type AbortOptions,
  type Logger,
  NotStartedError,
  type PeerId,
  serviceCapabilities,
  type Startable,
  TypedEventEmitter,
} from '@libp2p/interface'
import type { Map as ImmutableMap } from 'immutable'
import type { Candidate } from './candidates.ts'
import { within } from './deadline.ts'
import { Engine } from './engine.ts'
import { PeerBannedError } from './errors.ts'
import { explainLedger } from './explain.ts'
import type { PeerManagerComponents, PeerManagerEvents, PeerManagerInit, PeerManagerService } from './index.ts'
import { resolveOptions } from './options.ts'
import { rankPeers } from './ranking.ts'
import { copyHello, type ManagedPeer } from './record.ts'

const MAX_HEALTH = 100

/** The thin service over the engine: what modules ask and tell, and the events. */
export class DefaultPeerManager extends TypedEventEmitter<PeerManagerEvents> implements PeerManagerService, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/peer-manager'
  readonly [serviceCapabilities] = ['@gridmesh/peer-manager']
  readonly #components: PeerManagerComponents
  readonly #log: Logger
  readonly #engine: Engine

  constructor(components: PeerManagerComponents, init: PeerManagerInit = {}) {
    super()
    this.#components = components
    this.#log = components.logger.forComponent('gridmesh:peer-manager')
    this.#engine = new Engine(components, resolveOptions(init), this.#log, {
      onState: (record, from, parting) => {
        this.safeDispatchEvent('peer:state', { detail: { peer: record.id, from, to: record.state, ...parting } })
        if (record.state === 'ready') this.safeDispatchEvent('peer:ready', { detail: record })
      },
      onBan: (ban) => this.safeDispatchEvent('peer:banned', { detail: ban }),
      onUnban: (peer) => this.safeDispatchEvent('peer:unbanned', { detail: peer }),
    })
  }

  /** Reads what earlier runs stored, before the first connection can come in. */
  async beforeStart(): Promise<void> {
    await this.#engine.saver.load()
  }

  /** @throws {ServiceNameError} when no service is named `peerManager` */
  async start(): Promise<void> {
    requireName(this.#components, 'peerManager')
    await this.#engine.start()
  }

  /** Takes in the connections that were opened while the services were starting. */
  afterStart(): void {
    this.#engine.upkeep()
  }

  async stop(): Promise<void> {
    await this.#engine.stop()
  }

  get peers(): ImmutableMap<string, ManagedPeer> {
    return this.#engine.book.snapshot
  }

  get(peer: PeerId): ManagedPeer | undefined {
    return this.#engine.book.get(peer.toString())
  }

  select(query: PeerQuery = {}): ManagedPeer[] {
    const nowMs = this.#engine.book.now()
    const topology = optional(this.#components, 'topology')
    return rankPeers(this.#engine.book.inStates('ready'), query, {
      reputation: (peer) => this.#engine.book.reputation(peer.id.toString(), nowMs),
      affinity: (peer) => topology?.affinity(peer) ?? 1,
    })
  }

  stats(): PeerStats {
    return { byState: this.#engine.book.counts(), reports: this.#engine.enforcer.reportCounts }
  }

  reputation(peer: PeerId): number {
    return this.#engine.book.reputation(peer.toString())
  }

  explain(peer: PeerId): string[] {
    return explainLedger(this.#engine.book.ledgerState(peer.toString()))
  }

  report(peer: PeerId, report: PeerReport): void {
    try {
      if (peer.equals(this.#components.peerId)) return
      const taken = this.#engine.enforcer.report(peer, report)
      if (taken === undefined) {
        this.#log.error('there is no report class %s', report.class)
        return
      }
      this.safeDispatchEvent('peer:report', { detail: { peer, report, ...taken } })
    } catch (err) {
      this.#log.error('could not take a report - %e', err)
    }
  }

  async ban(peer: PeerId, reason: string, durationMs: number = this.#engine.options.banMs): Promise<void> {
    if (peer.equals(this.#components.peerId)) throw new RangeError(`peer ${peer.toString()} is this node itself`)
    if (!(durationMs > 0)) throw new RangeError(`durationMs ${durationMs} must be above 0`)
    this.#engine.metrics.ban('request')
    await this.#engine.enforcer.ban(peer, reason, durationMs, { limit: 'durationMs', value: durationMs })
  }

  async unban(peer: PeerId): Promise<void> {
    const key = peer.toString()
    if (this.#engine.bans.lift(key, 'pardoned', true)) await this.#engine.saver.save(key)
  }

  isBanned(peer: PeerId): boolean {
    return this.#engine.bans.isBanned(peer.toString())
  }

  markReady(peer: PeerId, hello: Hello): void {
    const key = peer.toString()
    // The handshake may be done before the event of its connection reached us.
    if (this.#engine.book.peek(key)?.state !== 'connected') this.#engine.links.sync(peer)
    const news = { hello: copyHello(hello), height: hello.height }
    const state = this.#engine.book.peek(key)?.state
    if (state !== 'connected' && state !== 'ready') {
      this.#log('%p is ready too late: %s', peer, state ?? 'unknown')
      return
    }
    this.#engine.book.see(key, news)
    this.#engine.book.move(key, 'ready')
  }

  markDraining(peer: PeerId, parting?: Parting): void {
    this.#engine.links.drain(peer.toString(), parting)
  }

  updateHello(peer: PeerId, hello: Hello): void {
    const key = peer.toString()
    if (this.#engine.links.isLinked(key)) this.#engine.book.see(key, { hello: copyHello(hello), height: hello.height })
  }

  updateHealth(peer: PeerId, { score, latencyMs }: { score: number; latencyMs?: number }): void {
    if (Number.isNaN(score)) return
    const health = Math.min(Math.max(score, 0), MAX_HEALTH)
    // Without an answer there is no new latency.
    if (latencyMs === undefined) this.#engine.book.change(peer.toString(), { health })
    else this.#engine.book.see(peer.toString(), { health, latencyMs })
  }

  countTraffic(peer: PeerId, lane: Lane, direction: 'in' | 'out', bytes: number): void {
    this.#engine.book.countTraffic(peer.toString(), lane, direction, bytes)
  }

  async disconnect(peer: PeerId, reason: Reason, options: AbortOptions = {}): Promise<void> {
    await this.#engine.enforcer.part(peer, reason, options.signal)
  }

  async whenReady(peer: PeerId, options: AbortOptions = {}): Promise<ManagedPeer> {
    options.signal?.throwIfAborted()
    const { book, bans, waiters, running } = this.#engine
    const key = peer.toString()
    const isBanned = bans.isBanned(key)
    const record = book.get(key)
    if (record?.state === 'ready') return record
    if (record !== undefined && isBanned) throw new PeerBannedError(record)
    if (running === undefined) throw new NotStartedError('The peer manager is not running')
    const waiter = waiters.add(key)
    try {
      const signals = [options.signal, running]
      return await within(this.#engine.options.readyTimeoutMs, signals, () => waiter.promise)
    } finally {
      waiter.cancel()
    }
  }

  addCandidate(candidate: Candidate): boolean {
    return !candidate.id.equals(this.#components.peerId) && this.#engine.addCandidate(candidate)
  }

  candidates(): Candidate[] {
    return this.#engine.candidates.list()
  }

  markConnecting(peer: PeerId): void {
    this.#engine.book.ensure(peer)
    this.#engine.book.move(peer.toString(), 'connecting')
  }

  markFailed(peer: PeerId): void {
    const key = peer.toString()
    const { failures, state } = this.#engine.book.ensure(peer)
    this.#engine.book.change(key, { failures: failures + 1 })
    if (state === 'connecting') this.#engine.book.move(key, 'known')
  }
}
