import type { Offence, Status, SyncPeer, SyncPeers } from '@gridmesh/block-sync'
import type { Handshake, PeerManager, PeerManagerEvents, PeerRecord } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CHAIN_CAPABILITY } from './kinds.ts'
import { reportClassOf } from './verdicts.ts'

/** What the peers of a chain are known by. */
export interface ChainPeersParts {
  peerManager: Pick<PeerManager, 'report' | 'addEventListener' | 'removeEventListener'> & {
    readonly peers: { values(): Iterable<Pick<PeerRecord, 'id' | 'state'>> }
  }
  handshake: Pick<Handshake, 'capabilities'>
  /** Is told of each peer that gets ready. */
  onReady(peer: PeerId): void
  onGone(peer: PeerId): void
}

interface ChainPeer {
  readonly id: PeerId
  /** What it said last; a sync asks nobody that has said nothing. */
  readonly status?: Status
}

/** The ready peers that keep the chain, and where each says that it stands. As many as there are connections. */
export class ChainPeers implements SyncPeers {
  readonly #parts: ChainPeersParts
  readonly #peers = new Map<string, ChainPeer>()
  readonly #listeners = new Set<() => void>()

  constructor(parts: ChainPeersParts) {
    this.#parts = parts
  }

  start(): void {
    const { peerManager } = this.#parts
    peerManager.addEventListener('peer:state', this.#onState)
    for (const { id, state } of peerManager.peers.values()) if (state === 'ready') this.#add(id)
  }

  stop(): void {
    this.#parts.peerManager.removeEventListener('peer:state', this.#onState)
    this.#peers.clear()
    this.#tell()
  }

  /** Takes what a peer says of itself, if it is one of ours; not of one that is parted from, which may say it yet. */
  take(peer: PeerId, status: Status): void {
    const id = peer.toString()
    if (!this.#peers.has(id)) return
    this.#peers.set(id, { id: peer, status })
    this.#tell()
  }

  /** All that are ready. */
  ids(): PeerId[] {
    return [...this.#peers.values()].map(({ id }) => id)
  }

  peers(): SyncPeer[] {
    return [...this.#peers.values()].flatMap(({ id, status }) =>
      status === undefined ? [] : [{ id: id.toString(), isReady: true, ...status }],
    )
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  report(peer: string, offence: Offence, message: string): void {
    const evidence = `${offence}: ${message}`
    this.#parts.peerManager.report(peerIdFromString(peer), { class: reportClassOf(offence), evidence })
  }

  #add(peer: PeerId): void {
    if (!this.#parts.handshake.capabilities(peer).includes(CHAIN_CAPABILITY)) return
    this.#peers.set(peer.toString(), { id: peer })
    this.#parts.onReady(peer)
  }

  readonly #onState = ({ detail: { peer, to } }: PeerManagerEvents['peer:state']): void => {
    if (to === 'ready') {
      this.#add(peer)
      return
    }
    if (!this.#peers.delete(peer.toString())) return
    this.#parts.onGone(peer)
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
