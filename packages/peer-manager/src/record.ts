import type { Hello, Lane, PeerRecord, Traffic } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { decay } from './reputation.ts'
import { movedTime } from './stored-time.ts'

/** A peer as this package keeps it: the shared record, and what its own decisions need beside it. */
export interface ManagedPeer extends PeerRecord {
  /** The proved part of the reputation, -100 to 0 at `scoredMs`. */
  readonly provenReputation: number
  /** The moment for which both reputations stand, ms since the epoch: they decay whether the peer is seen or not. */
  readonly scoredMs: number
  /** Why the peer is banned, while it is. */
  readonly banReason?: string
}

/** Fields that end with a state, and so can be taken away. */
export type RemovableField = 'direction' | 'bannedUntilMs' | 'banReason'

type Draft = { -readonly [K in keyof ManagedPeer]: ManagedPeer[K] }

const NO_TRAFFIC: Traffic = Object.freeze({ messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 })
const NO_TRAFFIC_AT_ALL: Readonly<Record<Lane, Traffic>> = Object.freeze({
  critical: NO_TRAFFIC,
  high: NO_TRAFFIC,
  normal: NO_TRAFFIC,
  bulk: NO_TRAFFIC,
})

/** The record of a peer that was heard of just now. */
export function newRecord(id: PeerId, nowMs: number): ManagedPeer {
  return Object.freeze({
    id,
    state: 'known',
    addresses: Object.freeze([]),
    height: 0,
    firstSeenMs: nowMs,
    lastSeenMs: nowMs,
    traffic: NO_TRAFFIC_AT_ALL,
    failures: 0,
    reputation: 0,
    provenReputation: 0,
    scoredMs: nowMs,
  })
}

/** A new frozen record with `changes`, and without the fields in `removed`. */
export function changeRecord(
  record: ManagedPeer,
  changes: Partial<ManagedPeer>,
  removed: readonly RemovableField[] = [],
): ManagedPeer {
  const draft: Draft = { ...record, ...changes }
  for (const field of removed) delete draft[field]
  return Object.freeze(draft)
}

/** The changes that bring the reputations of a record to `nowMs`. */
export function scoredAt(record: ManagedPeer, nowMs: number, halfLifeMs: number): Partial<ManagedPeer> {
  const elapsedMs = nowMs - record.scoredMs
  if (!(elapsedMs > 0)) return {}
  return {
    scoredMs: nowMs,
    reputation: decay(record.reputation, elapsedMs, halfLifeMs),
    provenReputation: decay(record.provenReputation, elapsedMs, halfLifeMs),
  }
}

/** The changes that move all times of a record by `byMs`. */
export function movedBy(record: ManagedPeer, byMs: number): Partial<ManagedPeer> {
  const { firstSeenMs, lastSeenMs, scoredMs, bannedUntilMs } = record
  return {
    firstSeenMs: movedTime(firstSeenMs, byMs),
    lastSeenMs: movedTime(lastSeenMs, byMs),
    scoredMs: movedTime(scoredMs, byMs),
    ...(bannedUntilMs === undefined ? {} : { bannedUntilMs: movedTime(bannedUntilMs, byMs) }),
  }
}

/** A frozen copy, so that what the giver changes later shows in no snapshot. */
export function copyHello(hello: Hello): Hello {
  return Object.freeze({
    ...hello,
    protocol: Object.freeze({ ...hello.protocol }),
    capabilities: Object.freeze([...hello.capabilities]),
    listenAddresses: Object.freeze([...hello.listenAddresses]),
    ...(hello.quota === undefined ? {} : { quota: Object.freeze({ ...hello.quota }) }),
    ...(hello.credentials === undefined ? {} : { credentials: hello.credentials.slice() }),
  })
}

/** What is kept of the Hello of a peer that is gone: who it was, and no lists, which are long, and of that link. */
export function rememberedHello(hello: Hello): Hello {
  const { credentials: _, ...rest } = hello
  return copyHello({ ...rest, capabilities: [], listenAddresses: [] })
}

/** What bounds the addresses of one peer. */
export interface AddressLimits {
  readonly maxAddresses: number
  readonly maxAddressLength: number
}

/** Puts `fresh` addresses of a peer before the known ones, each ending in its id, without doubles, within the limits. */
export function mergeAddresses(
  key: string,
  known: readonly string[],
  fresh: readonly string[],
  limits: AddressLimits,
): readonly string[] {
  const own = fresh.flatMap((address) => addressOf(key, address))
  const usable = own.filter((address) => address.length <= limits.maxAddressLength)
  const merged = [...new Set([...usable, ...known])].slice(0, limits.maxAddresses)
  const isSame = merged.length === known.length && merged.every((address, index) => address === known[index])
  return isSame ? known : Object.freeze(merged)
}

// Sources differ in whether they append the peer id. An address that ends in another peer's id is not this peer's.
function addressOf(key: string, address: string): string[] {
  const ending = /\/p2p\/([^/]+)$/.exec(address)?.[1]
  if (ending === undefined) return [`${address}/p2p/${key}`]
  return ending === key ? [address] : []
}
