import type { PeerId } from '@libp2p/interface'
import type { PeerQuery, PeerRecord } from './peer.ts'

/** Roles, regions and paths. Service name `topology`. */
export interface Topology {
  /** Our own role, as said in the handshake. */
  readonly role: string
  /** Our own region, as said in the handshake. */
  readonly region: string
  /** How much nearer than average a peer is, 0 to 1: the affinity in the ranking of `PeerManager.select`. */
  affinity(peer: PeerRecord): number
  /** The peers that an urgent message must reach: the authority backbone. */
  backbone(): PeerId[]
  /** What is missing at the moment, as queries for discovery. */
  needs(): PeerQuery[]
}
