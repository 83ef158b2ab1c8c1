import type { Multiaddr } from '@multiformats/multiaddr'
import { configuredPeers } from './configured-peers.ts'
import type { Strategy } from './strategy.ts'

/**
 * Creates the strategy `static`: a list of peers that are candidates at all times, for networks that know their members.
 * To hold a link to them whatever happens is for reserved slots and for reconnection.
 * @param list - multiaddrs that name a peer id
 * @throws {TypeError} when an entry is no multiaddr with a peer id
 */
export function staticPeers(list: readonly (string | Multiaddr)[]): () => Strategy {
  const strategy = configuredPeers('static', list, { isFallback: false })
  return () => strategy
}
