import type { Connection, PeerId } from '@libp2p/interface'

/** What others know of peers. */
export interface GossipPeers {
  /** Which of several connections to a peer is used, where somebody knows. */
  used(peer: PeerId): Connection | undefined
  isReady(peer: PeerId): boolean
}

/** The streams of gossipsub, by peer. */
export interface GossipStreams {
  /** Those it sends on. */
  streamsOutbound: Map<string, unknown>
  /** Those it hears. */
  streamsInbound: ReadonlyMap<string, unknown>
}
