import { type Candidate, optional, type PeerQuery, type PeerStateChange } from '@gridmesh/interfaces'
import type { Connection, PeerId } from '@libp2p/interface'
import { IDLE_CODE, PENDING_MS } from './constants.ts'
import type { DiscoveryComponents } from './index.ts'
import { networkGroup } from './network-group.ts'

type Direction = Connection['direction']

/** A link that is over. */
export interface EndedLink {
  /** Time since the first connection of the peer, in ms. */
  lastedMs: number
  /** It came to count as ready in that time. */
  wasReady: boolean
  /** One of the two sides gave its slot to another peer, since it was idle. */
  madeRoom: boolean
}

/** Whom the census tells. */
export interface CensusListener {
  onReady(peer: PeerId): void
  /** A ready peer parts, or the last connection of a peer has ended. */
  onLeft(peer: PeerId, link: EndedLink): void
}

/**
 * Who is linked and who is ready. Ready is what the peer manager says; where no handshake makes peers ready, every
 * connected one counts.
 */
export class Census {
  readonly #components: DiscoveryComponents
  readonly #listener: CensusListener
  readonly #linkedAt = new Map<string, number>()
  readonly #readied = new Set<string>()
  readonly #idle = new Set<string>()
  #isWatching = false

  constructor(components: DiscoveryComponents, listener: CensusListener) {
    this.#components = components
    this.#listener = listener
  }

  /** Begins to watch. Siblings have to be there by now. */
  start(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const { events, connectionManager } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    optional(this.#components, 'peerManager')?.addEventListener('peer:state', this.#onState)
    for (const { remotePeer } of connectionManager.getConnections()) this.#note(remotePeer)
  }

  stop(): void {
    if (!this.#isWatching) return
    this.#isWatching = false
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    optional(this.#components, 'peerManager')?.removeEventListener('peer:state', this.#onState)
    this.#linkedAt.clear()
    this.#readied.clear()
    this.#idle.clear()
  }

  /** Whether a handshake makes peers ready, and has them say their roles and regions. */
  hasHandshake(): boolean {
    return (
      optional(this.#components, 'peerManager') !== undefined && optional(this.#components, 'handshake') !== undefined
    )
  }

  /** What a peer said of itself the last time. */
  namesOf(peer: PeerId): Pick<Candidate, 'role' | 'region'> {
    const hello = optional(this.#components, 'peerManager')?.get(peer)?.hello
    return hello === undefined ? {} : { role: hello.role, region: hello.region }
  }

  /** How many peers count towards minimum and target. */
  ready(): number {
    return this.hasHandshake() ? this.matching({}) : this.linked().size
  }

  /** How many ready peers fit; 0 without a peer manager, since nothing is known of roles then. */
  matching(query: PeerQuery): number {
    return optional(this.#components, 'peerManager')?.select(query).length ?? 0
  }

  /** How many of them we dialled. Whoever wants a place here has to be found for that: to dial us is not enough. */
  outbound(): number {
    const dialled = this.#links('outbound')
    if (!this.hasHandshake()) return dialled.size
    return [...dialled.values()].filter((peer) => this.#isReady(peer)).length
  }

  /** Connected peers that may yet become ready, all or those that we dialled. */
  pending(direction?: Direction): number {
    if (!this.hasHandshake()) return 0
    const now = performance.now()
    let pending = 0
    for (const peer of this.#links(direction).values()) {
      const linkedAt = this.#linkedAt.get(peer.toString()) ?? now
      if (now - linkedAt < PENDING_MS && !this.#isReady(peer)) pending++
    }
    return pending
  }

  /** Peers with an open connection, by peer id string. */
  linked(): Map<string, PeerId> {
    return this.#links()
  }

  /** Links by network group. */
  crowd(): Map<string, number> {
    const crowd = new Map<string, number>()
    for (const { remoteAddr } of this.#components.connectionManager.getConnections()) {
      const group = networkGroup(remoteAddr)
      crowd.set(group, (crowd.get(group) ?? 0) + 1)
    }
    return crowd
  }

  /** Whether it is never to be dialled: ourselves, or banned. */
  isBarred(peer: PeerId): boolean {
    return peer.equals(this.#components.peerId) || (optional(this.#components, 'peerManager')?.isBanned(peer) ?? false)
  }

  isLinked(peer: PeerId): boolean {
    return this.#components.connectionManager.getConnections(peer).some(({ status }) => status === 'open')
  }

  /** Whether a linked peer is one of those that count. */
  counts(peer: PeerId): boolean {
    return !this.hasHandshake() || this.#isReady(peer)
  }

  /** An open connection to the peer that we dialled. */
  dialled(peer: PeerId): Connection | undefined {
    const connections = this.#components.connectionManager.getConnections(peer)
    return connections.find(({ direction, status }) => direction === 'outbound' && status === 'open')
  }

  #links(wanted?: Direction): Map<string, PeerId> {
    const linked = new Map<string, PeerId>()
    for (const { remotePeer, status, direction } of this.#components.connectionManager.getConnections()) {
      const isWanted = wanted === undefined || direction === wanted
      if (status === 'open' && isWanted) linked.set(remotePeer.toString(), remotePeer)
    }
    return linked
  }

  #isReady(peer: PeerId): boolean {
    return optional(this.#components, 'peerManager')?.get(peer)?.state === 'ready'
  }

  #note(peer: PeerId): void {
    const key = peer.toString()
    if (!this.#linkedAt.has(key)) this.#linkedAt.set(key, performance.now())
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    // libp2p tells of one that has closed by then too, and not of its end.
    if (detail.status !== 'open') return
    this.#note(detail.remotePeer)
    if (!this.hasHandshake()) this.#becomeReady(detail.remotePeer)
  }

  readonly #onState = ({ detail: { peer, from, to, reason } }: CustomEvent<PeerStateChange>): void => {
    if (!this.hasHandshake()) return
    if (reason?.code === IDLE_CODE) this.#idle.add(peer.toString())
    if (to === 'ready') this.#becomeReady(peer)
    // A peer that parts is no longer counted, though it is still connected for a moment.
    else if (from === 'ready') this.#listener.onLeft(peer, this.#ended(peer))
  }

  readonly #onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    const ended = this.#ended(peer)
    this.#linkedAt.delete(peer.toString())
    this.#readied.delete(peer.toString())
    this.#idle.delete(peer.toString())
    this.#listener.onLeft(peer, ended)
  }

  #becomeReady(peer: PeerId): void {
    this.#readied.add(peer.toString())
    this.#listener.onReady(peer)
  }

  #ended(peer: PeerId): EndedLink {
    const key = peer.toString()
    const linkedAt = this.#linkedAt.get(key)
    return {
      lastedMs: linkedAt === undefined ? 0 : performance.now() - linkedAt,
      wasReady: this.#readied.has(key),
      madeRoom: this.#idle.has(key),
    }
  }
}
