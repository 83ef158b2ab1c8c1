import { isIPv4 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { canonicalName, domainOf } from './canonical-name.ts'

/**
 * What an attacker has to own to speak from an address: the /16 of an IPv4 address, the /32 of an IPv6 address, the
 * last two labels of a name, unless it spells an IPv4 address. One machine can make any number of peer ids, but not of
 * these.
 */
export function networkGroup(address: Multiaddr): string {
  const components = address.getComponents()
  for (const { name, value = '' } of components) {
    if (name === 'ip4') return groupOfIp4(value)
    if (name === 'ip6') return groupOfIp6(value)
    if (name.startsWith('dns')) return groupOfName(canonicalName(value))
  }
  return components[0]?.name ?? 'none'
}

function groupOfIp4(value: string): string {
  return `ip4/${value.split('.').slice(0, 2).join('.')}`
}

function groupOfName(name: string): string {
  return isIPv4(name) ? groupOfIp4(name) : `dns/${domainOf(name)}`
}

function groupOfIp6(value: string): string {
  // An IPv4 address in the clothes of an IPv6 one; multiaddrs write its four bytes as two hex groups.
  const mapped = /^::ffff:([0-9a-f]{1,4}):[0-9a-f]{1,4}$/i.exec(value)?.[1]
  if (mapped !== undefined) {
    const bytes = Number.parseInt(mapped, 16)
    return `ip4/${bytes >> 8}.${bytes & 0xff}`
  }
  const [head = ''] = value.split('::')
  const [first = '0', second = '0'] = head === '' ? [] : head.split(':')
  return `ip6/${Number.parseInt(first, 16).toString(16)}:${Number.parseInt(second, 16).toString(16)}`
}
