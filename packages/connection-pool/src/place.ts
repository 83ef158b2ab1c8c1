import { isIPv4, isIPv6 } from 'node:net'
import { isLoopback, tryGetNetConfig } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { canonicalName, domainOf } from './canonical-name.ts'

/** Where a connection comes from, as far as limits by address are concerned. */
export interface Place {
  /** The IPv4 address, or the /64 of an IPv6 address: that much is given to one host, so more would be no limit. */
  readonly ip: string
  /** The /24 of an IPv4 address, the /48 of an IPv6 address, or the domain of a name. */
  readonly network: string
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/
const IPV6_GROUPS = 8
/** What stands before an IPv4 address in an IPv6 one: where a listener sees both families, and behind a NAT64. */
const IPV4_PREFIXES: ReadonlySet<string> = new Set(['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0'])

/**
 * The place of an address; `undefined` for one that no limit applies to: it has no IP address (memory, unix), or it is a
 * loopback address and those are exempt. A relayed address has the place of its relay. A name, which is judged only where
 * it could not be resolved, has the place of the IP address that it spells, or else that of its domain.
 */
export function placeOf(address: Multiaddr, exemptLoopback: boolean): Place | undefined {
  const config = tryGetNetConfig(address)
  if (config === null) return undefined
  if (exemptLoopback && (isLoopback(address) || config.host === 'localhost')) return undefined
  if (config.type === 'ip4') return placeOfIpv4(config.host)
  if (config.type === 'ip6') return placeOfIpv6(config.host)
  return placeOfName(config.host, exemptLoopback)
}

function placeOfName(text: string, exemptLoopback: boolean): Place | undefined {
  if (isIPv6(text)) return placeOf(multiaddr(`/ip6/${text.replace(/%.*/, '')}`), exemptLoopback)
  const name = canonicalName(text)
  if (isIPv4(name)) return placeOf(multiaddr(`/ip4/${name}`), exemptLoopback)
  return { ip: name, network: domainOf(name) }
}

function placeOfIpv4(host: string): Place {
  return { ip: host, network: `${host.slice(0, host.lastIndexOf('.'))}.0/24` }
}

function placeOfIpv6(host: string): Place {
  const groups = parseIpv6(host)
  // All IPv4 peers would share one /48.
  if (IPV4_PREFIXES.has(prefix(groups, 6))) {
    const [high = 0, low = 0] = groups.slice(6)
    return placeOfIpv4([high >> 8, high & 0xff, low >> 8, low & 0xff].join('.'))
  }
  return { ip: `${prefix(groups, 4)}::/64`, network: `${prefix(groups, 3)}::/48` }
}

/** The eight groups of an IPv6 address in any of its spellings. */
function parseIpv6(host: string): number[] {
  const [address = ''] = host.split('%')
  const [head = '', tail] = address.split('::')
  const before = parseGroups(head)
  const after = parseGroups(tail ?? '')
  const gap = Math.max(0, IPV6_GROUPS - before.length - after.length)
  return [...before, ...Array.from({ length: gap }, () => 0), ...after]
}

function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    const [, a, b, c, d] = IPV4.exec(group) ?? []
    if (d === undefined) return [Number.parseInt(group, 16)]
    return [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)]
  })
}

function prefix(groups: readonly number[], length: number): string {
  return groups.slice(0, length).map(hex).join(':')
}

function hex(group: number): string {
  return group.toString(16)
}
