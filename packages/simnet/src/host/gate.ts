import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { ConnectionInterceptedError } from '../errors.ts'

type PeerMethod =
  | 'denyInboundEncryptedConnection'
  | 'denyOutboundConnection'
  | 'denyOutboundEncryptedConnection'
  | 'denyInboundUpgradedConnection'
  | 'denyOutboundUpgradedConnection'

/** Asks the gater, in the order of libp2p's upgrader. @throws {ConnectionInterceptedError} when it denies */
export async function checkGater(
  gater: ConnectionGater,
  methods: readonly PeerMethod[],
  peer: PeerId,
  socket: MultiaddrConnection,
): Promise<void> {
  for (const method of methods) {
    if ((await gater[method]?.(peer, socket)) === true) throw new ConnectionInterceptedError(method)
  }
}
