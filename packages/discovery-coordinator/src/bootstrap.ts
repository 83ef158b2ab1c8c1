import type { Multiaddr } from '@multiformats/multiaddr'
import { configuredPeers } from './configured-peers.ts'
import type { Strategy } from './strategy.ts'

/**
 * Creates the strategy `bootstrap`: a list of peers through which a network is entered. They are asked for below a
 * minimum only, dialled with the coordinator's backoff, and again without delay when no peer is left, unless they did not
 * stay the last time.
 * @param list - multiaddrs that name a peer id; `/dnsaddr` ones are resolved by the dial
 * @throws {TypeError} when an entry is no multiaddr with a peer id
 */
export function bootstrap(list: readonly (string | Multiaddr)[]): () => Strategy {
  const strategy = configuredPeers('bootstrap', list, { isFallback: true })
  return () => strategy
}
