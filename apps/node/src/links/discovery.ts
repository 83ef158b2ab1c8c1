import {
  type DiscoveryInit,
  type DiscoveryService,
  type DiscoveryStats,
  bootstrap,
  kademlia,
  mdns,
  peerExchange,
  staticPeers,
  stored,
} from '@gridmesh/discovery-coordinator'
import type { Discovery, DiscoveryNeed } from '@gridmesh/interfaces'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { NodeConfig, StrategyName } from '../config/schema.ts'

type NodeStrategy = NonNullable<DiscoveryInit['strategies']>[number]

/** How a node keeps enough peers, as the configuration asks. */
export function discoveryOptions({ discovery, p2p, region }: NodeConfig, chainId: string): DiscoveryInit {
  const { strategies, staticPeers: members, roles, sameRegion, minOutbound, ...schedule } = discovery
  const targetPeers = Math.max(discovery.targetPeers, p2p.minPeers)
  const makers: Record<StrategyName, () => NodeStrategy> = {
    stored: () => stored(),
    bootstrap: () => bootstrap(p2p.bootstrap),
    static: () => staticPeers(members),
    // A tag of its own, so that two networks in one LAN do not dial each other.
    mdns: () => mdns({ serviceTag: `_gridmesh-${chainId}._udp.local` }),
    kademlia: () => kademlia(),
    'peer-exchange': () => peerExchange(),
  }
  const wanted: DiscoveryNeed[] = Object.entries(roles).map(([role, count]) => ({ role, count }))
  if (sameRegion > 0) wanted.push({ region, count: sameRegion })
  return {
    ...schedule,
    minPeers: p2p.minPeers,
    targetPeers,
    ...(minOutbound !== undefined && { minOutbound: Math.min(minOutbound, targetPeers) }),
    strategies: [...new Set(strategies)].map((name) => makers[name]()),
    needs: () => wanted,
  }
}

/** What discovery has done. The contract does not ask for it: of another module nothing may be known. */
export function discoveryStats(search: Discovery): DiscoveryStats | undefined {
  return tells(search) ? search.stats() : undefined
}

function tells(search: Discovery): search is DiscoveryService {
  return 'stats' in search && typeof search.stats === 'function'
}

/** The distributed hash table that the strategy `kademlia` walks through, under a protocol id of the network's own. */
export function dhtOf({ discovery }: NodeConfig, chainId: string): { dht?: ReturnType<typeof kadDHT> } {
  if (!discovery.strategies.includes('kademlia')) return {}
  // Private addresses are kept, since a grid's network is often private; and every node answers, not only public ones.
  return {
    dht: kadDHT({ protocol: `/gridmesh/${chainId}/kad/1`, clientMode: false, peerInfoMapper: passthroughMapper }),
  }
}
