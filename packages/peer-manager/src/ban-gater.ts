import type { PeerManager } from '@gridmesh/interfaces'
import type { ConnectionGater, PeerId } from '@libp2p/interface'

/**
 * Makes a connection gater that turns banned peers away: undialled, or as soon as an encrypted connection has told who
 * they are. The peer manager is read at each use, for the gater is an option of `createLibp2p` and so comes first.
 */
export function banGater(peerManager: () => Pick<PeerManager, 'isBanned'> | undefined): ConnectionGater {
  const isBanned = (peer: PeerId): boolean => read(peerManager)?.isBanned(peer) ?? false
  return {
    denyDialPeer: isBanned,
    denyInboundEncryptedConnection: isBanned,
    denyOutboundEncryptedConnection: isBanned,
  }
}

/**
 * While `createLibp2p` has not returned yet, `() => node.services.peerManager` refers to a constant without a value.
 * Nobody is turned away then; the peer manager itself parts from a banned peer that comes in that moment.
 */
function read<T>(get: () => T): T | undefined {
  try {
    return get()
  } catch (err) {
    if (err instanceof ReferenceError) return undefined
    throw err
  }
}
