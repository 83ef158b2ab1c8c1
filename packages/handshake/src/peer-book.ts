import { optional, type Hello, type PeerReport, type PeerStatus, type Reason } from '@gridmesh/interfaces'
import type { Logger, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Admission } from './admission.ts'
import type { Agreement } from './exchange.ts'
import type { Failure } from './failure.ts'
import type { HandshakeComponents, HandshakeEvents } from './index.ts'
import type { Judgement } from './judge.ts'
import type { Link, LinkHost } from './link.ts'
import { OutcomeMetrics } from './outcome-metrics.ts'
import { isSameStatus, type OwnHello } from './own-hello.ts'
import { ReadyPeers, type ReadyPeer } from './ready-peers.ts'

/** What links tell becomes ready peers here, and from there events, metrics and word to the peer manager. */
export class PeerBook implements LinkHost {
  readonly #components: HandshakeComponents
  readonly #own: OwnHello
  readonly #admission: Admission
  readonly #events: Pick<TypedEventTarget<HandshakeEvents>, 'safeDispatchEvent'>
  readonly #log: Logger
  readonly #metrics: OutcomeMetrics
  readonly #ready = new ReadyPeers<Link>()

  constructor(
    components: HandshakeComponents,
    own: OwnHello,
    admission: Admission,
    events: Pick<TypedEventTarget<HandshakeEvents>, 'safeDispatchEvent'>,
    log: Logger,
  ) {
    this.#components = components
    this.#own = own
    this.#admission = admission
    this.#events = events
    this.#log = log
    this.#metrics = new OutcomeMetrics(components.metrics, () => this.#ready.size)
  }

  /** The ready peers. */
  get peers(): PeerId[] {
    return this.#ready.values().map(({ peer }) => peer)
  }

  get(peer: PeerId): ReadyPeer<Link> | undefined {
    return this.#ready.get(peer)
  }

  /** Tells every ready peer our status, on one of its connections. */
  announce(): void {
    for (const { links, parting } of this.#ready.values()) {
      if (parting == null) [...links].at(-1)?.announce(this.#own.status)
    }
  }

  /** Marks a ready peer as parting. Returns whether it was not before. */
  part(peer: PeerId, reason: Reason, by: 'us' | 'them'): boolean {
    const isNew = this.#ready.part(peer, reason, by)
    if (isNew) this.#tellManager((manager) => manager.markDraining(peer, { reason, by }))
    return isNew
  }

  /** Forgets everybody. */
  clear(): void {
    for (const peer of this.peers) this.#forget(peer)
  }

  async hello(): Promise<Hello> {
    return this.#own.build()
  }

  async decide(link: Link, ours: Hello, theirs: Hello, signal: AbortSignal): Promise<Judgement> {
    return this.#admission.decide(link, ours, theirs, signal)
  }

  ready(link: Link, agreement: Agreement): void {
    const peer = link.connection.remotePeer
    this.#metrics.ready(performance.now() - link.startedAt)
    // A peer that comes back while it, or we, are still parting has begun anew.
    if (this.#ready.get(peer)?.parting != null) this.#forget(peer)
    const { hello, version, capabilities } = agreement
    if (this.#ready.add(peer, link, agreement)) {
      this.#tellManager((manager) => manager.updateHello(peer, hello))
      this.#events.safeDispatchEvent('peer:status', { detail: { peer, status: statusOf(hello) } })
    } else {
      this.#log('%p is ready, version %d', peer, version)
      this.#tellManager((manager) => manager.markReady(peer, hello))
      this.#events.safeDispatchEvent('peer:ready', { detail: { peer, hello, version, capabilities } })
    }
    // Our status may have moved on since our Hello left.
    if (!isSameStatus(agreement.ours, this.#own.status)) link.announce(this.#own.status)
  }

  failed(link: Link, { reason, by, isRefusal, report }: Failure): void {
    const peer = link.connection.remotePeer
    this.#log('handshake with %p ended by %s: %s: %s', peer, by, reason.code, reason.message)
    this.#metrics.failed(reason.code, performance.now() - link.startedAt)
    if (report != null) this.report(link, report)
    if (isRefusal) this.#events.safeDispatchEvent('peer:refused', { detail: { peer, reason, by } })
  }

  tolerated(link: Link, { reason }: Failure): void {
    const peer = link.connection.remotePeer
    this.#log('%p stays connected and never gets ready: %s', peer, reason.message)
    this.#metrics.failed(reason.code, performance.now() - link.startedAt)
    this.#events.safeDispatchEvent('peer:tolerated', { detail: { peer } })
  }

  over(link: Link): void {
    const peer = link.connection.remotePeer
    const known = this.#ready.get(peer)
    // A goodbye to us all, of which the last copy got lost.
    if (known?.lastWords != null && known.links.size === 1 && known.links.has(link)) this.goodbye(link, known.lastWords)
    if (this.#ready.remove(peer, link)) this.#left(peer)
  }

  status(link: Link, status: PeerStatus): void {
    const peer = link.connection.remotePeer
    const updated = this.#ready.update(peer, status)
    if (updated == null) return
    this.#tellManager((manager) => manager.updateHello(peer, updated.hello))
    this.#events.safeDispatchEvent('peer:status', { detail: { peer, status } })
  }

  goodbye(link: Link, reason: Reason): void {
    const peer = link.connection.remotePeer
    // It is for its connection, as when a handshake was done too late for the peer; who leaves says it on each.
    if (this.#ready.retire(peer, link, reason)) return
    if (!this.part(peer, reason, 'them')) return
    this.#log('%p says goodbye: %s: %s', peer, reason.code, reason.message)
    this.#events.safeDispatchEvent('peer:goodbye', { detail: { peer, reason } })
  }

  referred(link: Link, records: readonly Uint8Array[]): void {
    this.#log('%p names %d peers to try instead', link.connection.remotePeer, records.length)
    this.#tell(() => optional(this.#components, 'discovery')?.referred?.(records, link.connection))
  }

  report(link: Link, report: PeerReport): void {
    this.#log('%p: %s: %s', link.connection.remotePeer, report.class, report.evidence)
    this.#tellManager((manager) => manager.report(link.connection.remotePeer, report))
  }

  #forget(peer: PeerId): void {
    this.#ready.forget(peer)
    this.#left(peer)
  }

  #left(peer: PeerId): void {
    this.#log('%p is no longer ready', peer)
    this.#events.safeDispatchEvent('peer:left', { detail: { peer } })
  }

  /** A manager that finds a move illegal has its own view of the peer; it must not cost us the link. */
  #tellManager(tell: (manager: NonNullable<HandshakeComponents['peerManager']>) => void): void {
    this.#tell(() => {
      const manager = optional(this.#components, 'peerManager')
      if (manager != null) tell(manager)
    })
  }

  #tell(tell: () => void): void {
    try {
      tell()
    } catch (err) {
      this.#log.error('a sibling did not take what it was told - %e', err)
    }
  }
}

function statusOf({ height, tipHash }: Hello): PeerStatus {
  return { height, tipHash }
}
