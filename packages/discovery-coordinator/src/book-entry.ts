import type { Candidate, DiscoveryNeed } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import type { SignedAddresses } from './signed-addresses.ts'
import { GIVE_UP_FAILURES, MAX_ADDRESS_BYTES, MAX_NAME_LENGTH, STALE_AGE_MS, STALE_FAILURES } from './constants.ts'

/** A peer in the address book. Immutable: a change is a new entry. */
export interface BookEntry {
  readonly id: PeerId
  /** First the one that was reached, then those that the peer signed, then what else was heard. */
  readonly addresses: readonly Multiaddr[]
  /** The latest record that the peer signed. */
  readonly record?: SignedAddresses
  readonly role?: string
  readonly region?: string
  readonly table: 'new' | 'tried'
  /** What places it: the network group of who told of it, or of the address that was reached. */
  readonly group: string
  /** Failed dials since it was last reached. */
  readonly failures: number
  /** ms since the epoch. */
  readonly addedMs: number
  /** ms since the epoch; 0 if it never was. */
  readonly reachedMs: number
}

/** Whether another may take its place in the new table without a test. */
export function isStale({ failures, addedMs }: BookEntry, nowMs: number): boolean {
  return failures >= STALE_FAILURES || nowMs - addedMs > STALE_AGE_MS
}

/** Where it was reached, if it was. */
export function reachedOf({ addresses, reachedMs }: BookEntry): { reached?: Multiaddr } {
  const [reached] = addresses
  return reachedMs > 0 && reached !== undefined ? { reached } : {}
}

/** Whether it has failed so often that it loses its place. */
export function isHopeless({ failures }: BookEntry): boolean {
  return failures >= GIVE_UP_FAILURES
}

/** The first of both lists, without doubles, empty and oversized ones, and those that cannot be written. */
export function mergeAddresses(
  first: readonly Multiaddr[],
  rest: readonly Multiaddr[],
  max: number,
): readonly Multiaddr[] {
  const merged = new Map<string, Multiaddr>()
  for (const long of [...first, ...rest]) {
    if (merged.size >= max) break
    const address = withoutPeer(long)
    const size = address.bytes.byteLength
    const text = size > 0 && size <= MAX_ADDRESS_BYTES ? textOf(address) : undefined
    if (text !== undefined) merged.set(text, address)
  }
  return [...merged.values()]
}

/** There are addresses that libp2p reads from bytes, and throws at when it is to write them out. */
function textOf(address: Multiaddr): string | undefined {
  try {
    return address.toString()
  } catch {
    return undefined
  }
}

/** Drops the peer id at the end, with which and without which it is one address; a dnsaddr is resolved by it. */
export function withoutPeer(address: Multiaddr): Multiaddr {
  const components = address.getComponents()
  const isDroppable = components.length > 1 && components.at(-1)?.code === CODE_P2P
  return isDroppable && components[0]?.name !== 'dnsaddr' ? address.decapsulateCode(CODE_P2P) : address
}

/** Whether an address leads to a peer, as far as it says: one may end in the id of another. */
export function leadsTo(address: Multiaddr, peer: string): boolean {
  const last = address.getComponents().at(-1)
  return last?.code !== CODE_P2P || last.value === peer
}

/** Role and region, where they are known and not too long to be true. */
export function nameOf({ role, region }: Pick<Candidate, 'role' | 'region'>): Pick<Candidate, 'role' | 'region'> {
  return { ...(isName(role) && { role }), ...(isName(region) && { region }) }
}

/** Whether a peer of that role and region is one of those needed, as far as either is known. */
export function fits(
  need: DiscoveryNeed,
  { role, region }: Pick<Candidate, 'role' | 'region'>,
): 'yes' | 'no' | 'maybe' {
  const [byRole, byRegion] = [check(need.role, role), check(need.region, region)]
  if (byRole === 'no' || byRegion === 'no') return 'no'
  return byRole === 'yes' && byRegion === 'yes' ? 'yes' : 'maybe'
}

/** Whether a need asks for a sort of peer that is told before it is dialled. */
export function isSpecific({ role, region }: DiscoveryNeed): boolean {
  return role !== undefined || region !== undefined
}

function check(wanted: string | undefined, said: string | undefined): 'yes' | 'no' | 'maybe' {
  if (wanted === undefined || wanted === said) return 'yes'
  return said === undefined ? 'maybe' : 'no'
}

function isName(value: string | undefined): value is string {
  return value !== undefined && value.length > 0 && value.length <= MAX_NAME_LENGTH
}
