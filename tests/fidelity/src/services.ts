import { type BroadcastService, broadcast } from '@gridmesh/broadcast'
import { type HealthService, healthMonitor } from '@gridmesh/health-monitor'
import { type PeerManagerService, peerManager } from '@gridmesh/peer-manager'

/** What runs on each node, unchanged, whatever is below. */
// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
export type Services = {
  peerManager: PeerManagerService
  health: HealthService
  broadcast: BroadcastService
}

/** Makes them. */
export function services() {
  return {
    peerManager: peerManager({ minPeers: 3 }),
    health: healthMonitor(),
    // Meshes hold all neighbours, so that the way of a message is known beforehand.
    broadcast: broadcast({ chainId: 'fidelity', gossipsub: { D: 8, Dlo: 6 } }),
  }
}
