import type { Multiaddr } from '@multiformats/multiaddr'
import { prefixOf } from './host.ts'

const RELAYED = 'p2p-circuit'

/**
 * What an attacker has to own to speak from an address: the /16 of an IPv4 address, the /32 of an IPv6 address, the
 * last two labels of a name, unless it spells an IPv4 address. One machine can make any number of peer ids, but not of
 * these. It can be behind any number of relays, though, so all relayed addresses are one group.
 */
export function networkGroup(address: Multiaddr): string {
  if (isRelayed(address)) return RELAYED
  return prefixOf(address, 2) ?? address.getComponents()[0]?.name ?? 'none'
}

/** Whether a connection there goes through a relay. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name === RELAYED)
}
