import type { PeerId } from '@libp2p/interface'

/** What is known of how good a peer is. */
export interface Standing {
  /** -100 to 100, 0 for a stranger. */
  readonly reputation: number
  readonly latencyMs?: number | undefined
  readonly usefulAtMs?: number | undefined
  /** Since when no message came or went, as far as it was looked at. */
  readonly silentSinceMs?: number | undefined
  /** As it said the last time it was ready. */
  readonly role?: string | undefined
  readonly region?: string | undefined
}

/** What decisions need to know of peers. */
export interface PeerView {
  isSelf(peer: PeerId): boolean
  /** Whether our own id is the lesser of the two: which it is, both sides know. */
  isLesserThan(peer: PeerId): boolean
  /** End of the ban, ms since the epoch; `undefined` for a peer that is not banned. */
  bannedUntilMs(peer: PeerId): number | undefined
  standing(peer: PeerId): Standing
  /** Peers can be told why they are turned away, and say their role in a handshake. */
  readonly hasHandshake: boolean
  /** We are told when a peer has shown who it is. */
  readonly hearsOfReady: boolean
}

/** The view while libp2p has not built the services yet: everybody is a stranger. */
export const STRANGERS: PeerView = {
  isSelf: () => false,
  isLesserThan: () => false,
  bannedUntilMs: () => undefined,
  standing: () => ({ reputation: 0 }),
  hasHandshake: false,
  hearsOfReady: false,
}
