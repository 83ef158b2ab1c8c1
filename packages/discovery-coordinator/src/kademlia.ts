import type { PeerRouting } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { DEFAULT_WALK_PEERS } from './constants.ts'
import { demandCounts } from './demand.ts'
import { believed } from './reach.ts'
import type { DiscoverOptions, SourcedCandidate, Strategy } from './strategy.ts'

/** Options of the walk. */
export interface KademliaInit {
  /** Peers after which a walk ends. @default 64 */
  maxPerRun?: number
}

/** What the walk needs. */
export interface KademliaComponents {
  /** libp2p's peer routing; without a router behind it, such as a DHT, nothing is found. */
  peerRouting: Pick<PeerRouting, 'getClosestPeers'>
  /** Tells how near those are who answer; without it addresses on this machine and in private networks are believed, too. */
  connectionManager?: Pick<ConnectionManager, 'getConnections'>
}

/**
 * Creates the strategy `kademlia`: a walk towards a random key through libp2p's peer routing, for which the node needs a
 * DHT such as `@libp2p/kad-dht`.
 * @throws {RangeError} when an option is out of range
 */
export function kademlia(init: KademliaInit = {}): (components: KademliaComponents) => Strategy {
  const { maxPerRun = DEFAULT_WALK_PEERS } = init
  demandCounts({ maxPerRun })
  return (components) => ({
    name: 'kademlia',
    discover: (options) => walk(components, maxPerRun, options),
  })
}

// Not libp2p's own random walk: that begins a new query as soon as one ends, so it would not end with what there is.
async function* walk(
  { peerRouting, connectionManager }: KademliaComponents,
  maxPerRun: number,
  { signal }: DiscoverOptions,
): AsyncGenerator<SourcedCandidate> {
  const key = crypto.getRandomValues(new Uint8Array(32))
  let found = 0
  try {
    for await (const { id, multiaddrs: addresses } of peerRouting.getClosestPeers(key, { signal })) {
      // Who told of a peer is not known, but no nearer than the nearest of those to whom we are linked.
      const links = connectionManager?.getConnections().map(({ remoteAddr }) => remoteAddr)
      const candidate = links === undefined ? { id, addresses } : believed({ id, addresses }, links)
      if (candidate !== undefined) yield candidate
      if (++found >= maxPerRun) return
    }
  } catch (err) {
    // An aborted run ends; it has not failed.
    if (signal.aborted) return
    if (!(err instanceof Error) || err.name !== 'NoPeerRoutersError') throw err
  }
}
