import type { Lane, PeerReport, PeerStateChange } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { equals } from 'uint8arrays/equals'
import { BROADCAST_HANDLER, CRITICAL_RATE } from './constants.ts'
import type { Siblings } from './siblings.ts'

/** The peers as the siblings see them, with what each sibling's absence means. */
export class Peers {
  readonly #connections: Pick<ConnectionManager, 'getConnections'>
  readonly #siblings: Siblings

  constructor(connections: Pick<ConnectionManager, 'getConnections'>, siblings: Siblings) {
    this.#connections = connections
    this.#siblings = siblings
  }

  /** Peers that a flood goes to. Without a peer manager: those connected, and shaken hands with where that is done. */
  ready(): PeerId[] {
    const { peerManager: manager } = this.#siblings
    if (manager === undefined) return this.#connected().filter((peer) => this.isReady(peer))
    return [...manager.peers.values()].filter((record) => record.state === 'ready').map((record) => record.id)
  }

  /** Calls back for each ready peer, now and when one becomes ready, until `signal` aborts. Nobody tells of it without a peer manager. */
  whenReady(listener: (peer: PeerId) => void, signal: AbortSignal): void {
    for (const peer of this.ready()) listener(peer)
    const { peerManager: manager } = this.#siblings
    if (manager?.addEventListener === undefined) return
    const onState = ({ detail: { peer, to } }: CustomEvent<PeerStateChange>): void => {
      if (to === 'ready') listener(peer)
    }
    manager.addEventListener('peer:state', onState)
    signal.addEventListener('abort', () => manager.removeEventListener?.('peer:state', onState), { once: true })
  }

  /** Without a handshake every connected peer is ready. */
  isReady(peer: PeerId): boolean {
    return this.#siblings.handshake?.isReady(peer) ?? true
  }

  /** Whether something can be asked of this peer now, without dialling it. */
  isReachable(peer: PeerId): boolean {
    return this.#connected(peer).length > 0 && this.isReady(peer)
  }

  /** The connected, ready peer with this multihash. */
  findReady(multihash: Uint8Array): PeerId | undefined {
    const peer = this.#connected().find((connected) => equals(connected.toMultihash().bytes, multihash))
    return peer !== undefined && this.isReady(peer) ? peer : undefined
  }

  /** Charges an inbound message on a topic of `lane`. Without a rate limiter none is too much. */
  isWithinRate(peer: PeerId, lane: Lane, bytes: number): boolean {
    const rate = lane === 'critical' ? CRITICAL_RATE : BROADCAST_HANDLER
    return this.#siblings.rateLimiter?.take(peer, rate, { messages: 1, bytes }, lane).ok ?? true
  }

  report(peer: PeerId, report: PeerReport): void {
    this.#siblings.peerManager?.report(peer, report)
  }

  #connected(peer?: PeerId): PeerId[] {
    const byId = new Map<string, PeerId>()
    for (const { remotePeer, status, limits } of this.#connections.getConnections(peer)) {
      if (status === 'open' && limits === undefined) byId.set(remotePeer.toString(), remotePeer)
    }
    return [...byId.values()]
  }
}
