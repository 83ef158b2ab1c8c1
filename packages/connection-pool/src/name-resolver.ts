import { type LookupAddress, promises as dns } from 'node:dns'
import type { MultiaddrResolver, MultiaddrResolveOptions } from '@libp2p/interface'
import { CODE_IP4, CODE_IP6, type Component, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { LOOKUP_TIMEOUT_MS, MAX_ADDRESSES_PER_NAME } from './constants.ts'
import { within } from './deadline.ts'

/** Finds the addresses of a name; family 0 means both. */
export type Lookup = (name: string, family: 0 | 4 | 6) => Promise<readonly LookupAddress[]>

const FAMILIES: ReadonlyMap<string | undefined, 0 | 4 | 6> = new Map([
  ['dns', 0],
  ['dns4', 4],
  ['dns6', 6],
])
/** Channels in which the name itself is said or proved. */
const NEEDS_NAME: ReadonlySet<string> = new Set(['http', 'https', 'tls', 'ws', 'wss'])

/**
 * Puts IP addresses in the place of names before libp2p dials, and before the gater is asked: libp2p keeps the address
 * as it was dialled, and one machine has any number of names. A name that cannot be resolved is dialled as it is, so
 * that the dial fails for the reason the system gives, and counts by its domain.
 */
export class NameResolver implements MultiaddrResolver {
  readonly #lookup: Lookup
  /** libp2p asks again about what it is given back. */
  readonly #unresolved = new WeakSet<Multiaddr>()

  constructor(lookup: Lookup = lookUp) {
    this.#lookup = lookup
  }

  canResolve(address: Multiaddr): boolean {
    if (this.#unresolved.has(address)) return false
    // Only where the dial goes: libp2p asks again, so a name in each of many places would make a power of addresses.
    const [host, ...rest] = address.getComponents()
    return FAMILIES.has(host?.name) && !rest.some(({ name }) => NEEDS_NAME.has(name))
  }

  async resolve(address: Multiaddr, { signal }: MultiaddrResolveOptions): Promise<Multiaddr[]> {
    const [host, ...rest] = address.getComponents()
    const found = await this.#find(host?.value ?? '', FAMILIES.get(host?.name) ?? 0, signal)
    if (found.length > 0) return found.map((one) => multiaddr([componentOf(one), ...rest]))
    this.#unresolved.add(address)
    return [address]
  }

  async #find(name: string, family: 0 | 4 | 6, signal: AbortSignal | undefined): Promise<readonly LookupAddress[]> {
    try {
      const found = await within(LOOKUP_TIMEOUT_MS, [signal], async () => this.#lookup(name, family))
      // An address with a zone comes of no name but one of this machine.
      return found.filter(({ address }) => !address.includes('%')).slice(0, MAX_ADDRESSES_PER_NAME)
    } catch {
      signal?.throwIfAborted()
      return []
    }
  }
}

function componentOf({ family, address: value }: LookupAddress): Component {
  return family === 4 ? { code: CODE_IP4, name: 'ip4', value } : { code: CODE_IP6, name: 'ip6', value }
}

/** As a socket would look the name up. IPv4 comes first: libp2p tries one after the other, and IPv6 may lead nowhere. */
async function lookUp(name: string, family: 0 | 4 | 6): Promise<readonly LookupAddress[]> {
  return dns.lookup(name, { family, all: true, order: 'ipv4first' })
}
