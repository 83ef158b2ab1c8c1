import type { DiscoveryService } from '@gridmesh/discovery-coordinator'
import type { GridmeshNode } from '@gridmesh/node'

/** The discovery of a node that has the module of its own: its contract is silent about events and figures. */
export function searchOf({ libp2p }: GridmeshNode): DiscoveryService {
  const { discovery } = libp2p.services
  if (!isService(discovery)) throw new TypeError('the node has a discovery that is not of this project')
  return discovery
}

function isService(discovery: object): discovery is DiscoveryService {
  return 'stats' in discovery && 'addEventListener' in discovery
}
