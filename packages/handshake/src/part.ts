import type { Reason } from '@gridmesh/interfaces'
import type { Connection, Logger } from '@libp2p/interface'
import type { FrameStream } from './frame-stream.ts'
import { raced, toError } from './timing.ts'

/**
 * Tells the peer `reason`, if there is one, ends our direction and waits for the peer to have read it, which shows in
 * the end of its own direction. All that takes no longer than `farewell`.
 */
export async function partStream(
  channel: FrameStream,
  reason: Reason | undefined,
  farewell: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    if (reason != null) await channel.part(reason, farewell)
    await channel.closeWrite(farewell)
    await channel.whenEnded(farewell)
  } catch (err) {
    log.trace('could not part in order - %e', err)
  }
}

/** Closes a connection, the hard way when it does not close before `farewell`. */
export async function closeConnection(connection: Connection, farewell: AbortSignal, log: Logger): Promise<void> {
  try {
    await raced(connection.close({ signal: farewell }), farewell)
  } catch (err) {
    log.trace('could not close the connection to %p in order - %e', connection.remotePeer, err)
    connection.abort(toError(err))
  }
}
