import type { Lane } from '@gridmesh/interfaces'
import type { PeerId, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { MAX_STREAMS_PER_LANE, PROTOCOLS } from './constants.ts'
import type { Siblings } from './siblings.ts'

/** Opens a stream to a peer in a lane: on a connection it has or is dialled, once its handshake is done. */
export async function openStream(
  connectionManager: ConnectionManager,
  { connectionPool, handshake }: Siblings,
  peer: PeerId,
  lane: Lane,
  signal: AbortSignal,
): Promise<Stream> {
  const connection = await (connectionPool == null
    ? connectionManager.openConnection(peer, { signal })
    : connectionPool.acquire(peer, { signal }))
  if (handshake?.isReady(peer) === false) await handshake.whenReady(peer, { signal })
  return connection.newStream(PROTOCOLS[lane], {
    signal,
    maxOutboundStreams: MAX_STREAMS_PER_LANE,
    runOnLimitedConnection: false,
  })
}
