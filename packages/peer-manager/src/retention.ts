import { decay } from './reputation.ts'
import type { ManagedPeer } from './record.ts'
import { isLinked } from './transitions.ts'

/** Reputation that is no longer worth remembering, in points either way. */
const FADED_REPUTATION = 1
const BANNED_TIER = 2

/**
 * Whether a peer is worth remembering over a restart: it was ready once, it is banned, or it has a name. A stranger
 * that was only heard of is not, however many of them a flood brings.
 */
export function isWorthKeeping(record: ManagedPeer, nowMs: number, halfLifeMs: number): boolean {
  if (record.hello !== undefined || record.state === 'banned') return true
  // Praise may hide what was proved from the sum; it must not make it forgotten.
  const most = Math.max(Math.abs(record.reputation), -record.provenReputation)
  return decay(most, nowMs - record.scoredMs, halfLifeMs) >= FADED_REPUTATION
}

/** How many to forget, and around what. */
export interface ForgetContext {
  /** Peers that have to go. */
  readonly surplus: number
  /** Peers that may go as well, banned ones excepted, so that a full registry is not ranked for every newcomer. */
  readonly extra: number
  /** A peer to keep in any case: the newcomer. */
  readonly keep?: string | undefined
  readonly nowMs: number
  readonly halfLifeMs: number
}

/**
 * The peers to forget, least valuable first: strangers, then peers with a past, then banned ones, the end of whose ban
 * is nearest; among equals whoever was seen longest ago. Linked peers are not forgotten at all.
 */
export function leastValuable(records: Iterable<ManagedPeer>, context: ForgetContext): string[] {
  const { surplus, extra, keep, nowMs, halfLifeMs } = context
  const ranked: { key: string; tier: number; age: number }[] = []
  for (const record of records) {
    const key = record.id.toString()
    if (key === keep || isLinked(record.state)) continue
    ranked.push({ key, ...valueOf(record, nowMs, halfLifeMs) })
  }
  return ranked
    .toSorted((a, b) => a.tier - b.tier || a.age - b.age || (a.key < b.key ? -1 : 1))
    .filter(({ tier }, place) => place < surplus || (place < surplus + extra && tier < BANNED_TIER))
    .map(({ key }) => key)
}

function valueOf(record: ManagedPeer, nowMs: number, halfLifeMs: number): { tier: number; age: number } {
  if (record.state === 'banned') return { tier: BANNED_TIER, age: record.bannedUntilMs ?? 0 }
  return { tier: isWorthKeeping(record, nowMs, halfLifeMs) ? 1 : 0, age: record.lastSeenMs }
}
