import { isIPv4, isIPv6 } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { canonicalName, domainOf } from './canonical-name.ts'

const IPV6_GROUPS = 8
/** What stands before an IPv4 address in an IPv6 one: where a listener sees both families, and behind a NAT64. */
const IPV4_PREFIX = /^(?:0:0:0:0:0:ffff|64:ff9b:0:0:0:0):/

/** The machine that a dial turns to first: of a relayed address that is the relay. */
export interface Host {
  readonly kind: 'ip4' | 'ip6' | 'dns'
  /** An IPv4 address, all eight groups of an IPv6 address, or a canonical name. */
  readonly text: string
}

/** The host of an address; `undefined` where there is none (memory, unix). */
export function hostOf(address: Multiaddr): Host | undefined {
  for (const { name, value = '' } of address.getComponents()) {
    if (name === 'ip4') return { kind: 'ip4', text: value }
    if (name === 'ip6') return hostOfIp6(value)
    if (name.startsWith('dns')) return hostOfName(value)
  }
  return undefined
}

/** The first parts of the IP address, or the domain of the name; `undefined` for an address without a host. */
export function prefixOf(address: Multiaddr, parts: number): string | undefined {
  const host = hostOf(address)
  if (host === undefined) return undefined
  const { kind, text } = host
  if (kind === 'dns') return `dns/${domainOf(text)}`
  const separator = kind === 'ip4' ? '.' : ':'
  return `${kind}/${text.split(separator).slice(0, parts).join(separator)}`
}

/** Resolvers take an IP address for a name, so a name that spells one is that address. */
function hostOfName(name: string): Host | undefined {
  if (isIPv6(name)) return hostOf(multiaddr(`/ip6/${name.replace(/%.*/, '')}`))
  const text = canonicalName(name)
  return { kind: isIPv4(text) ? 'ip4' : 'dns', text }
}

/** Takes an IPv4 address in the clothes of an IPv6 one, whose bytes multiaddrs write as two hex groups, for what it is. */
function hostOfIp6(value: string): Host {
  const [before = [], after = []] = value.split('::').map(readGroups)
  const gap = Array.from({ length: IPV6_GROUPS - before.length - after.length }, () => 0)
  const groups = [...before, ...gap, ...after]
  const text = groups.map((group) => group.toString(16)).join(':')
  if (!IPV4_PREFIX.test(text)) return { kind: 'ip6', text }
  const bytes = groups.slice(-2).flatMap((group) => [group >> 8, group & 0xff])
  return { kind: 'ip4', text: bytes.join('.') }
}

function readGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
