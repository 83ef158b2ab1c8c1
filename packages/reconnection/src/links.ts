import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * Whether any connection to `peer` is open. libp2p may list one that closed while it was being added, so that a list
 * that is not empty says little.
 */
export function isLinked(connectionManager: Pick<ConnectionManager, 'getConnections'>, peer: PeerId): boolean {
  return connectionManager.getConnections(peer).some(({ status }) => status === 'open')
}
