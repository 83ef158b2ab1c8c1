import { optional, type PeerReport } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { equals } from 'uint8arrays/equals'
import { BROADCAST_HANDLER } from './constants.ts'
import type { BroadcastComponents } from './index.ts'

/** The peers as the siblings see them, with what each sibling's absence means. */
export class Peers {
  readonly #components: BroadcastComponents

  constructor(components: BroadcastComponents) {
    this.#components = components
  }

  /** Peers that a flood goes to. Without a peer manager: those connected, and shaken hands with where that is done. */
  ready(): PeerId[] {
    const manager = optional(this.#components, 'peerManager')
    if (manager === undefined) return this.#connected().filter((peer) => this.isReady(peer))
    return [...manager.peers.values()].filter((record) => record.state === 'ready').map((record) => record.id)
  }

  /** Without a handshake every connected peer is ready. */
  isReady(peer: PeerId): boolean {
    return optional(this.#components, 'handshake')?.isReady(peer) ?? true
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

  /** Charges an inbound message. Without a rate limiter none is too much. */
  isWithinRate(peer: PeerId, bytes: number): boolean {
    return optional(this.#components, 'rateLimiter')?.take(peer, BROADCAST_HANDLER, { messages: 1, bytes }).ok ?? true
  }

  report(peer: PeerId, report: PeerReport): void {
    optional(this.#components, 'peerManager')?.report(peer, report)
  }

  #connected(peer?: PeerId): PeerId[] {
    const byId = new Map<string, PeerId>()
    for (const { remotePeer, status, limits } of this.#components.connectionManager.getConnections(peer)) {
      if (status === 'open' && limits === undefined) byId.set(remotePeer.toString(), remotePeer)
    }
    return [...byId.values()]
  }
}
