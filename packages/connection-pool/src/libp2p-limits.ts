import { dnsaddrResolver } from 'libp2p'
import { ADDRESSES_IN_TIME, LIBP2P_PARALLEL_DIALS } from './constants.ts'
import type { ConnectionPoolInit, Libp2pLimits } from './index.ts'
import { NameResolver } from './name-resolver.ts'
import { reservedSlots, resolveOptions } from './options.ts'

/**
 * The limits of libp2p's connection manager that go with a pool of these options: all of them lie beyond the pool's
 * own, so that every refusal is the pool's and says why, and libp2p never prunes. They are a net for what the pool does
 * not see, no more. Its resolvers put IP addresses in the place of names, so that the limits by address hold for them too.
 * @throws {RangeError} when an option is out of range
 * @throws {TypeError} when a reserved peer is no peer id
 */
export function libp2pLimits(init: ConnectionPoolInit = {}): Libp2pLimits {
  const options = resolveOptions(init)
  const { maxInbound, maxOutbound, maxProbes, maxTurnAways, maxPending, maxConnectionsPerPeer } = options
  const reserved = reservedSlots(options) * maxConnectionsPerPeer
  // Room for whoever comes while all slots are taken: a better peer, or one to be told why not.
  const maxConnections = maxInbound + maxOutbound + reserved + maxProbes + maxTurnAways + maxPending
  return {
    maxConnections,
    // To libp2p a connection is pending until it has a muxer, to the pool until its peer is known.
    maxIncomingPendingConnections: maxConnections,
    // libp2p exempts no loopback addresses, and counts attempts that were refused.
    inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
    maxParallelDials: Math.max(LIBP2P_PARALLEL_DIALS, options.maxDials),
    // libp2p's own is 6 s, whatever a dial may take: where nothing comes back from the first, none was left for others.
    addressDialTimeout: Math.ceil(options.dialTimeoutMs / ADDRESSES_IN_TIME),
    resolvers: { dnsaddr: dnsaddrResolver, name: new NameResolver() },
  }
}
