import type { PeerState } from '@gridmesh/interfaces'

/** Every state, in the order of a peer's life. */
export const PEER_STATES = ['known', 'connecting', 'connected', 'ready', 'draining', 'banned'] as const

/** States in which a connection is open or being opened. */
const LINKED_STATES = ['connecting', 'connected', 'ready', 'draining'] as const satisfies readonly PeerState[]

/** Whether a connection is open or being opened. */
export function isLinked(state: PeerState): boolean {
  const linked: readonly PeerState[] = LINKED_STATES
  return linked.includes(state)
}

/**
 * Where a peer may go from each state.
 *
 * - `known → connected` is an inbound connection: nobody here dialled
 * - `known → draining` is a pardon while the connection that the ban was to close is still open
 * - `draining → connected` is a peer that came back before its old connection had closed
 * - `banned` leads nowhere but to `known`, so that the end of a ban is always seen
 */
export const TRANSITIONS: Readonly<Record<PeerState, readonly PeerState[]>> = {
  known: ['connecting', 'connected', 'draining', 'banned'],
  connecting: ['known', 'connected', 'banned'],
  connected: ['known', 'ready', 'draining', 'banned'],
  ready: ['known', 'draining', 'banned'],
  draining: ['known', 'connected', 'banned'],
  banned: ['known'],
}

/** Whether the table has the move. Staying is no move. */
export function canMove(from: PeerState, to: PeerState): boolean {
  return TRANSITIONS[from].includes(to)
}

/** The open connections to one peer. */
export interface LinkCount {
  /** All of them. */
  total: number
  /** Those opened since the peer was last draining. */
  fresh: number
}

/**
 * The state that a peer belongs in, given what is open. This is how the orders of events that libp2p can produce are
 * mapped to legal moves: a close before the handshake, a second connection, a connection that outlives a goodbye.
 */
export function stateForLinks(state: PeerState, links: LinkCount): PeerState {
  if (state === 'banned') return 'banned'
  if (links.fresh > 0) return state === 'ready' ? 'ready' : 'connected'
  if (state === 'connecting') return 'connecting'
  return links.total > 0 ? 'draining' : 'known'
}
