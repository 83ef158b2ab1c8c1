import type { Multiaddr } from '@multiformats/multiaddr'
import { withoutPeer } from './book-entry.ts'
import { prefixOf } from './host.ts'
import { isOnOneMachine } from './reach.ts'

/**
 * What is left alone as one: an IPv4 address, the /64 of an IPv6 address, since that much is given to one host, or the
 * domain of a name. On this machine each address counts for itself: only who is on it as well can tell of it.
 */
export function hostKey(address: Multiaddr): string {
  const key = isOnOneMachine(address) ? undefined : prefixOf(address, 4)
  return key ?? withoutPeer(address).toString()
}
