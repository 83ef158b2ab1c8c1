import type { PeerId } from '@libp2p/interface'
import type { PeerManager } from '../../peer.ts'

/** A started peer manager, and the network around it. */
export interface PeerManagerWorld {
  readonly manager: PeerManager
  /** As many as were asked for; the manager has heard of none of them. */
  readonly peers: readonly PeerId[]
  /** Opens a connection with a peer. Resolves when the manager was told. */
  connect(peer: PeerId): Promise<void> | void
  /** The peer closes its connections. Resolves when the manager was told. */
  hangUp(peer: PeerId): Promise<void> | void
  /** Whether a connection with the peer is open. */
  isConnected(peer: PeerId): boolean
  stop(): Promise<void> | void
}

/** How the suite gets at a peer manager. */
export interface PeerManagerHarness {
  /** Makes a world with a manager that knows nobody, and disconnects nobody for a few mild reports. */
  create(peers: number): Promise<PeerManagerWorld> | PeerManagerWorld
  /** Stops the manager of a world and starts another one over what it stored. Without it that case is left out. */
  restart?(world: PeerManagerWorld): Promise<PeerManager>
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}
