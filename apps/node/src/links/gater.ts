import type { PeerManager } from '@gridmesh/interfaces'
import type { ConnectionGater } from '@libp2p/interface'

/**
 * Refuses banned peers on both sides of a connection. libp2p asks for its gater before any service exists, so the
 * peer manager is read when a connection comes.
 */
export function gater(peerManager: () => PeerManager | undefined): ConnectionGater {
  const isBanned: NonNullable<ConnectionGater['denyDialPeer']> = (peer) => peerManager()?.isBanned(peer) ?? false
  return {
    denyDialPeer: isBanned,
    denyInboundEncryptedConnection: isBanned,
    denyOutboundEncryptedConnection: isBanned,
    // libp2p denies private addresses in browsers only; loopback networks are a main use here.
    denyDialMultiaddr: () => false,
  }
}
