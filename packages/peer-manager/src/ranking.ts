import type { PeerQuery, PeerRecord } from '@gridmesh/interfaces'
import { MAX_REPUTATION } from './constants.ts'

/** Health of a peer that was never measured: neither trusted nor shunned. */
const UNMEASURED_HEALTH = 50
const MAX_HEALTH = 100

/** What a ranking needs to know beside the records. */
export interface RankingContext<T extends PeerRecord> {
  /** Reputation at this moment, -100 to 100. */
  reputation(peer: T): number
  /** How much nearer than average a peer is, 0 to 1. */
  affinity(peer: T): number
}

/**
 * The peers that fit `query`, best first by health × reputation × affinity, each taken from 0 to 1. The order is
 * total: equal scores are told apart by peer id, so that every call gives the same peers in the same order.
 * @throws {RangeError} for a limit that is no count
 */
export function rankPeers<T extends PeerRecord>(
  peers: readonly T[],
  query: PeerQuery,
  context: RankingContext<T>,
): T[] {
  const { limit } = query
  if (limit !== undefined && !(limit >= 0)) throw new RangeError(`limit ${limit} must be 0 or more`)
  return peers
    .filter((peer) => fits(peer, query))
    .map((peer) => ({ peer, key: peer.id.toString(), score: scoreOf(peer, context) }))
    .toSorted(compareRanked)
    .slice(0, limit)
    .map(({ peer }) => peer)
}

/** Health × reputation × affinity, 0 to 1. */
export function scoreOf<T extends PeerRecord>(peer: T, context: RankingContext<T>): number {
  const health = share((peer.health ?? UNMEASURED_HEALTH) / MAX_HEALTH)
  const reputation = share((context.reputation(peer) + MAX_REPUTATION) / (2 * MAX_REPUTATION))
  return health * reputation * share(context.affinity(peer))
}

/** Orders by score, the higher first, then by key. Zero only for the same peer. */
export function compareRanked(a: Ranked, b: Ranked): number {
  if (a.score !== b.score) return b.score - a.score
  if (a.key === b.key) return 0
  return a.key < b.key ? -1 : 1
}

/** A peer's place in a ranking. */
export interface Ranked {
  readonly key: string
  readonly score: number
}

function fits(peer: PeerRecord, query: PeerQuery): boolean {
  const { role, region, capabilities = [], minHeight } = query
  if (role !== undefined && peer.hello?.role !== role) return false
  if (region !== undefined && peer.hello?.region !== region) return false
  if (minHeight !== undefined && !(peer.height >= minHeight)) return false
  return capabilities.every((capability) => peer.hello?.capabilities.includes(capability))
}

// A score that is no number would make the order depend on the sort.
function share(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(value, 0), 1)
}
