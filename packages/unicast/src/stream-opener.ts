import type { Lane } from '@gridmesh/interfaces'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { MAX_STREAMS_PER_LANE, PROTOCOLS } from './constants.ts'
import { LinkLostError } from './errors.ts'
import type { UnicastComponents } from './index.ts'
import type { Siblings } from './siblings.ts'

/** The libp2p that streams are opened by. */
export type OpenerComponents = Pick<UnicastComponents, 'connectionManager' | 'events'>

/**
 * Opens a stream to a peer in a lane: on the newest connection it has, or one that is dialled, once its handshake is done.
 * When a newer one opens meanwhile, it is opened there instead: the older may be dead.
 */
export async function openStream(
  { connectionManager, events }: OpenerComponents,
  { connectionPool, handshake }: Siblings,
  peer: PeerId,
  lane: Lane,
  signal: AbortSignal,
): Promise<Stream> {
  for (;;) {
    const connection = await (connectionPool?.acquire(peer, { signal }) ?? connect(connectionManager, peer, signal))
    const superseded = new AbortController()
    const onOpen = ({ detail }: CustomEvent<Connection>): void => {
      if (isUsable(detail) && detail.remotePeer.equals(peer)) superseded.abort(new LinkLostError())
    }
    events.addEventListener('connection:open', onOpen)
    const either = AbortSignal.any([signal, superseded.signal])
    try {
      if (handshake?.isReady(peer) === false) await handshake.whenReady(peer, { signal: either })
      const stream = await connection.newStream(PROTOCOLS[lane], {
        signal: either,
        maxOutboundStreams: MAX_STREAMS_PER_LANE,
        runOnLimitedConnection: false,
      })
      if (!superseded.signal.aborted) return stream
      stream.abort(new LinkLostError())
    } catch (err) {
      if (!superseded.signal.aborted) throw err
    } finally {
      events.removeEventListener('connection:open', onOpen)
    }
    signal.throwIfAborted()
  }
}

/** Whether streams are opened on a connection: on a relayed one, which is limited, they are not. */
export function isUsable({ status, limits }: Connection): boolean {
  return status === 'open' && limits == null
}

async function connect(
  connectionManager: OpenerComponents['connectionManager'],
  peer: PeerId,
  signal: AbortSignal,
): Promise<Connection> {
  return connectionManager.getConnections(peer).findLast(isUsable) ?? connectionManager.openConnection(peer, { signal })
}
